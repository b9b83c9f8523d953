package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.ContinuationScore;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ScoreReply;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.runner.ContinuationJob;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One Score request. All continuations count as shown: feedback names the one that came true by its index. */
final class ScoreCall {
    private static final String POLICY = "none";

    private final ScoreRequest request;
    private final Lease lease;
    private final int[] prompt;
    private final List<int[]> continuations;

    ScoreCall(ScoreRequest request, Texts texts, Lease lease) {
        this.request = request;
        this.lease = lease;
        this.prompt = texts.prompt(request.getPrompt(), request.getControlTokens());
        this.continuations = new ArrayList<>(request.getContinuationsCount());
        for (int i = 0; i < request.getContinuationsCount(); i++) {
            continuations.add(texts.continuation(
                    i, request.getContinuations(i), prompt.length, request.getControlTokens()));
        }
    }

    ContinuationJob job(long deadlineNanos) {
        return new ContinuationJob(RequestRules.tenantOf(request.getScope()), prompt,
                continuations, lease, deadlineNanos);
    }

    ScoreReply reply(double[] logProbs, ImpressionLog log) {
        String id = log.nextId();
        Impression.Builder impression = Answers
                .of(DecisionKind.DECISION_KIND_SCORE, id, request.getScope(), lease, prompt)
                .setPolicy(POLICY)
                .setScoring(Scoring.newBuilder().setVerdict(false));
        ScoreReply.Builder reply = ScoreReply.newBuilder()
                .setVersion(lease.version())
                .setImpressionId(id);
        double[] probabilities = softmax(logProbs);
        for (int i = 0; i < logProbs.length; i++) {
            impression.addCandidates(Answers
                    .scored(Integer.toString(i), continuations.get(i), logProbs[i])
                    .setPlace(i)
                    .setPropensity(1));
            reply.addScores(ContinuationScore.newBuilder()
                    .setIndex(i)
                    .setLogProb(logProbs[i])
                    .setProbability(probabilities[i])
                    .setTokens(continuations.get(i).length));
        }
        return reply.setFeedbackToken(log.record(impression)).build();
    }

    private static double[] softmax(double[] logProbs) {
        double best = Arrays.stream(logProbs).max().orElse(0);
        double[] weights = Arrays.stream(logProbs).map(each -> Math.exp(each - best)).toArray();
        double sum = Arrays.stream(weights).sum();
        return Arrays.stream(weights).map(each -> each / sum).toArray();
    }
}
