package dev.flywheel.trainer.objective;

/**
 * Supervised fine-tuning: negative log-likelihood of the wanted tokens, averaged over their
 * weights.
 *
 * <p>L = - sum_t w_t log p(t) / sum_t w_t, where w_t is the weight of the token's example (times 0
 * or 1 for a mask). One average over all tokens of the batch: a long text counts for more than a
 * short one, as in transformers and peft.
 */
public final class SftObjective {
    private SftObjective() {}

    /** Averages over tokens of weight {@code weights}; their sum must be above zero. */
    public static Loss loss(double[] logProbs, double[] weights) {
        if (logProbs.length != weights.length) {
            throw new IllegalArgumentException(
                    "weights has %d entries, logProbs has %d; give one weight per token"
                            .formatted(weights.length, logProbs.length));
        }
        double total = 0;
        for (double weight : weights) {
            total += weight;
        }
        if (!(total > 0)) {
            throw new IllegalArgumentException(
                    "weights sum to " + total + ", must be above 0; leave such a batch out");
        }
        double value = 0;
        double[] gradient = new double[logProbs.length];
        for (int t = 0; t < logProbs.length; t++) {
            value -= weights[t] * logProbs[t];
            gradient[t] = -weights[t] / total;
        }
        return new Loss(value / total, gradient);
    }
}
