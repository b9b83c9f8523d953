package dev.flywheel.trainer.objective;

/**
 * Clipped, self-normalised inverse propensities.
 *
 * <p>weight = min(clip, 1 / propensity) / mean over the round of the same. Clipping bounds the
 * variance (Bottou et al., arXiv:1209.2355), self-normalising removes the loss's dependence on how
 * much the policy explored (Swaminathan and Joachims, NeurIPS 2015): a round's weights average to
 * one. A choice of unknown propensity takes no part in the estimate and gets the average, one.
 */
public final class ImportanceWeights {
    private ImportanceWeights() {}

    /**
     * @param propensities of a round's choices; 0 or less: unknown
     * @param clip upper bound of 1 / propensity; at least 1
     */
    public static double[] of(double[] propensities, double clip) {
        double sum = 0;
        int known = 0;
        double[] weights = new double[propensities.length];
        for (int i = 0; i < weights.length; i++) {
            if (propensities[i] > 0) {
                weights[i] = Math.min(clip, 1 / propensities[i]);
                sum += weights[i];
                known++;
            }
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] = propensities[i] > 0 ? weights[i] * known / sum : 1;
        }
        return weights;
    }

    /** Kish's effective sample size, (sum w)^2 / sum w^2: how many equal choices these are worth. */
    public static double effectiveSampleSize(double[] weights) {
        double sum = 0;
        double squares = 0;
        for (double weight : weights) {
            sum += weight;
            squares += weight * weight;
        }
        return squares == 0 ? 0 : sum * sum / squares;
    }
}
