package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.SamplingParams;
import dev.flywheel.api.v1.TokenLogProb;
import dev.flywheel.api.v1.Usage;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.runner.Answer;
import dev.flywheel.serving.runner.AnswerJob;
import dev.flywheel.serving.runner.AnswerSink;
import dev.flywheel.serving.runner.DrawnToken;
import dev.flywheel.serving.runner.Penalties;
import dev.flywheel.serving.runner.Sampling;
import dev.flywheel.serving.settings.RequestSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** One Generate request: the order for its answer, and the replies made of it. */
final class GenerateCall {
    private static final String ANSWER = "answer";

    private final GenerateRequest request;
    private final Texts texts;
    private final Lease lease;
    private final int[] prompt;

    /** @param ids gives the tokens that the prompt is read as */
    GenerateCall(GenerateRequest request, Supplier<int[]> ids, Texts texts, Lease lease) {
        this.request = request;
        this.texts = texts;
        this.lease = lease;
        this.prompt = texts.start("prompt", ids.get());
    }

    AnswerJob job(AnswerSink sink, RequestSettings limits, ServingMetrics metrics,
            long now, long deadlineNanos) {
        int asked = request.getMaxTokens() == 0 ? limits.tokensDefault() : request.getMaxTokens();
        int tokensMax = Math.min(asked, texts.positionsMax() - prompt.length);
        AnswerJob.Order order = new AnswerJob.Order(prompt, tokensMax, sampling(),
                texts.eosIds(), request.getStopList(), request.getTopLogProbs());
        return new AnswerJob(RequestRules.tenantOf(request.getScope()), order, texts.decoder(),
                sink, metrics, lease, now, deadlineNanos);
    }

    private Sampling sampling() {
        SamplingParams asked = request.getSampling();
        return new Sampling(asked.getTemperature(), asked.getTopK(),
                asked.getTopP() == 0 ? 1 : asked.getTopP(), asked.getMinP(),
                new Penalties(
                        asked.getRepetitionPenalty() == 0 ? 1 : asked.getRepetitionPenalty(),
                        asked.getPresencePenalty(), asked.getFrequencyPenalty()),
                asked.getSeed());
    }

    /** Begins a reply; every reply names the version. */
    GenerateReply.Builder piece(String text) {
        return GenerateReply.newBuilder().setText(text).setVersion(lease.version());
    }

    /** Returns the reply with its tokens. */
    GenerateReply.Builder with(GenerateReply.Builder reply, List<DrawnToken> tokens) {
        for (DrawnToken token : tokens) {
            reply.addTokenIds(token.id());
            if (request.getLogProbs()) {
                reply.addLogProbs(logProb(token));
            }
        }
        return reply;
    }

    private static TokenLogProb.Builder logProb(DrawnToken token) {
        TokenLogProb.Builder told =
                TokenLogProb.newBuilder().setTokenId(token.id()).setLogProb(token.logProb());
        token.top()
                .forEach(other -> told.addTop(TokenLogProb.newBuilder()
                        .setTokenId(other.id())
                        .setLogProb(other.logProb())));
        return told;
    }

    private static List<Float> boxed(float[] values) {
        List<Float> all = new ArrayList<>(values.length);
        for (float each : values) {
            all.add(each);
        }
        return all;
    }

    /** Records the answer and makes the reply that ends it. */
    GenerateReply.Builder last(String text, Answer answer, ImpressionLog log) {
        String id = log.nextId();
        boolean greedy = request.getSampling().getTemperature() == 0;
        String token = log.record(Answers
                .of(DecisionKind.DECISION_KIND_GENERATE, id, request.getScope(), lease, prompt)
                .setPolicy(greedy ? "greedy" : "sampled")
                .setSeed(request.getSampling().getSeed())
                .addCandidates(Answers.scored(ANSWER, answer.ids(), answer.logProb())
                        .addAllDrawnLogProbs(boxed(answer.drawnLogProbs()))
                        .setPlace(0)
                        .setPropensity(greedy ? 1 : 0)));
        return piece(text)
                .setFinishReason(switch (answer.ending()) {
                    case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
                    case EOS -> FinishReason.FINISH_REASON_EOS;
                    case STOP -> FinishReason.FINISH_REASON_STOP;
                })
                .setUsage(Usage.newBuilder()
                        .setPromptTokens(prompt.length)
                        .setCompletionTokens(answer.completionTokens()))
                .setImpressionId(id)
                .setFeedbackToken(token);
    }
}
