package dev.flywheel.serving.runner;

import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.kv.PrefixKey;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.scheduler.Sequence;
import dev.flywheel.serving.scheduler.SequenceGroup;
import dev.flywheel.serving.scheduler.Slice;
import org.jspecify.annotations.Nullable;

/**
 * One request inside the engine: its sequences, the version it leases, and what it wants to know.
 *
 * <p>Invariant: once {@link #release} has run, the job holds no cache block and no lease. Everything runs
 * on the loop's thread, except {@link #cancel}.
 */
public abstract sealed class Job permits VerdictJob, ContinuationJob, AnswerJob, PrefixJob {
    private final SequenceGroup group;
    private final Lease lease;
    private final long deadlineNanos;
    private final @Nullable KvSequence[] cached;
    private int open;
    private volatile boolean cancelled;

    /** @param deadlineNanos when the caller's time is over, on the loop's monotonic clock */
    Job(SequenceGroup group, Lease lease, long deadlineNanos) {
        this.group = group;
        this.lease = lease;
        this.deadlineNanos = deadlineNanos;
        this.cached = new @Nullable KvSequence[1 + group.branches().size()];
        this.open = 1 + (int) group.branches().stream().filter(b -> b.length() > 0).count();
    }

    /** Asks the loop to drop the job; it does so before its next step. Any thread. */
    public final void cancel() {
        cancelled = true;
    }

    /** Returns what answers. */
    final VersionRef version() {
        return lease.version();
    }

    final boolean cancelled() {
        return cancelled;
    }

    final boolean late(long nanos) {
        return nanos - deadlineNanos >= 0;
    }

    final SequenceGroup group() {
        return group;
    }

    /** Returns the name of the adapter that answers, empty for the bare base model. */
    final String adapter() {
        return lease.version().getAdapter();
    }

    final int adapterSlot() {
        return lease.slot();
    }

    /** Opens the stem, with what the cache holds of it for this tenant and version; returns how many tokens that is. */
    final int begin(KvCache cache) {
        PrefixKey key = PrefixKey.of(group.tenant(), lease.version().getBaseDigest(),
                lease.version().getDigest(), lease.adapter().getLora().toByteArray());
        KvSequence stem = cache.open(key, group.stem().tokens());
        cached[0] = stem;
        group.stem().skip(stem.length());
        return stem.length();
    }

    /** Gives the stem's blocks back; it is going to {@link #begin} anew. */
    final void rewind() {
        KvSequence stem = cached[0];
        if (stem != null) {
            stem.close();
        }
        cached[0] = null;
    }

    /** Returns the cached tokens of a sequence; a branch begins as a fork of the stem. */
    final KvSequence cached(Sequence sequence) {
        KvSequence found = cached[sequence.index()];
        if (found == null) {
            KvSequence stem = cached[0];
            if (stem == null) {
                throw new IllegalStateException("a slice was planned for a job that has not begun");
            }
            found = stem.fork();
            cached[sequence.index()] = found;
        }
        return found;
    }

    /** Frees blocks and lease; a second call does nothing. */
    final void release() {
        for (KvSequence each : cached) {
            if (each != null) {
                each.close();
            }
        }
        lease.close();
    }

    /** Takes a slice's rows; returns whether the job has all that it wants. */
    final boolean take(Slice slice, Logits logits, int firstRow, long nanos) {
        read(slice, logits, firstRow, nanos);
        if (slice.sequence().pending() > 0) {
            return false;
        }
        KvSequence done = cached[slice.sequence().index()];
        if (done != null && slice.sequence().index() > 0) {
            done.close();
        }
        return --open == 0;
    }

    /** Counts what was asked for and how long it is, once it has been answered. */
    abstract void count(ServingMetrics metrics);

    /** Returns which rows of a slice are to be scored. */
    abstract Wanted wanted(Slice slice);

    /** Reads the rows asked for; a stem that is to grow is appended to here. */
    abstract void read(Slice slice, Logits logits, int firstRow, long nanos);

    /** Hands the result out; must not block. */
    abstract void finish();

    /** Tells who waits that there is no result; must not block. */
    abstract void fail(ServingException why);
}
