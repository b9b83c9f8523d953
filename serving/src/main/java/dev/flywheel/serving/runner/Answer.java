package dev.flywheel.serving.runner;

/**
 * How a generated answer ended.
 *
 * @param ids all sampled tokens, the end-of-text token included if the model ended its answer
 * @param drawnLogProbs for each of {@code ids} the natural logarithm of the probability with which the sampler drew it
 * @param logProb sum of the natural logarithms of the model's probabilities of {@code ids}
 * @param rest text that was held back until the end
 * @param completionTokens tokens of the answer, without the end-of-text token
 */
public record Answer(
        Ending ending,
        int[] ids,
        float[] drawnLogProbs,
        double logProb,
        String rest,
        int completionTokens) {

    /** Why an answer ended. */
    public enum Ending {
        LENGTH, EOS, STOP
    }
}
