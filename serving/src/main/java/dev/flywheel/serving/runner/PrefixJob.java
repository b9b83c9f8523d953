package dev.flywheel.serving.runner;

import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.scheduler.SequenceGroup;
import dev.flywheel.serving.scheduler.Slice;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Reads the beginning of a prompt for no answer, so that the cache holds it when requests come. */
final class PrefixJob extends Job {
    private final CompletableFuture<Boolean> read = new CompletableFuture<>();

    PrefixJob(String tenant, int[] tokens, Lease lease, long deadlineNanos) {
        super(SequenceGroup.branching(tenant, tokens, List.of()), lease, deadlineNanos);
    }

    /** Completes with whether the cache has it. */
    CompletableFuture<Boolean> read() {
        return read;
    }

    @Override
    void count(ServingMetrics metrics) {
        metrics.warmed(group().inputTokens());
    }

    @Override
    Wanted wanted(Slice slice) {
        return Wanted.NONE;
    }

    @Override
    void read(Slice slice, Logits logits, int firstRow, long nanos) {}

    @Override
    void finish() {
        read.complete(true);
    }

    @Override
    void fail(ServingException why) {
        read.complete(false);
    }
}
