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
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Scores candidates after one context by a verdict: the accepting token's logit less the rejecting one's, after
 * the candidate's last token.
 */
public final class VerdictJob extends Job {
    private final int acceptId;
    private final int rejectId;
    private final double[] scores;
    private final CompletableFuture<double[]> result = new CompletableFuture<>();

    /**
     * @param context tokens that every candidate follows
     * @param candidates tokens of each candidate, at least one each
     */
    public VerdictJob(String tenant, int[] context, List<int[]> candidates, int acceptId,
            int rejectId, Lease lease, long deadlineNanos) {
        super(SequenceGroup.branching(tenant, context, candidates), lease, deadlineNanos);
        if (candidates.stream().anyMatch(ids -> ids.length == 0)) {
            throw new IllegalArgumentException("a candidate has no tokens, needs at least 1");
        }
        this.acceptId = acceptId;
        this.rejectId = rejectId;
        this.scores = new double[candidates.size()];
    }

    /** Returns the candidates' scores, nats; fails with {@link ServingException}. */
    public CompletableFuture<double[]> result() {
        return result;
    }

    @Override
    void count(ServingMetrics metrics) {
        metrics.finished(Operation.RANK, version(), group().inputTokens(), 0);
    }

    @Override
    Wanted wanted(Slice slice) {
        return slice.sequence().index() > 0 && slice.last() ? Wanted.LAST : Wanted.NONE;
    }

    @Override
    void read(Slice slice, Logits logits, int firstRow, long nanos) {
        if (wanted(slice) == Wanted.NONE) {
            return;
        }
        double score =
                (double) logits.logit(firstRow, acceptId) - logits.logit(firstRow, rejectId);
        if (!Double.isFinite(score)) {
            throw ServingException.of(ErrorCode.INTERNAL,
                    "the model's score of candidate " + (slice.sequence().index() - 1)
                            + " is not a number");
        }
        scores[slice.sequence().index() - 1] = score;
    }

    @Override
    void finish() {
        result.complete(scores);
    }

    @Override
    void fail(ServingException why) {
        result.completeExceptionally(why);
    }
}
