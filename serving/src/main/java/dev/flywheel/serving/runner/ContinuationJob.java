package dev.flywheel.serving.runner;

import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.Operation;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.scheduler.SequenceGroup;
import dev.flywheel.serving.scheduler.Slice;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Sums the log-probabilities of given continuations of one prompt. The last token of a continuation is never
 * read by the model: only its probability is wanted.
 */
public final class ContinuationJob extends Job {
    private final List<int[]> continuations;
    private final double[] sums;
    private final CompletableFuture<double[]> result = new CompletableFuture<>();

    /** @param continuations at least one token each */
    public ContinuationJob(String tenant, int[] prompt, List<int[]> continuations, Lease lease,
            long deadlineNanos) {
        super(SequenceGroup.branching(tenant, prompt,
                continuations.stream().map(ids -> Arrays.copyOf(ids, ids.length - 1)).toList()),
                lease, deadlineNanos);
        this.continuations = List.copyOf(continuations);
        this.sums = new double[continuations.size()];
    }

    /** Returns the sums of natural logarithms; fails with {@link ServingException}. */
    public CompletableFuture<double[]> result() {
        return result;
    }

    @Override
    void count(ServingMetrics metrics) {
        metrics.finished(Operation.SCORE, version(), group().inputTokens(), 0);
    }

    @Override
    Wanted wanted(Slice slice) {
        if (slice.sequence().index() > 0) {
            return Wanted.ALL;
        }
        return slice.last() ? Wanted.LAST : Wanted.NONE;
    }

    @Override
    void read(Slice slice, Logits logits, int firstRow, long nanos) {
        int index = slice.sequence().index() - 1;
        if (index >= 0) {
            int[] ids = continuations.get(index);
            for (int row = 0; row < slice.count(); row++) {
                add(index, logits.logProb(firstRow + row, ids[slice.from() + row + 1]));
            }
        } else if (slice.last()) {
            for (int i = 0; i < sums.length; i++) {
                add(i, logits.logProb(firstRow, continuations.get(i)[0]));
            }
        }
    }

    private void add(int index, double logProb) {
        if (!Double.isFinite(logProb)) {
            throw ServingException.of(ErrorCode.INTERNAL,
                    "the model's probability of continuation " + index + " is not a number");
        }
        sums[index] += logProb;
    }

    @Override
    void finish() {
        result.complete(sums);
    }

    @Override
    void fail(ServingException why) {
        result.completeExceptionally(why);
    }
}
