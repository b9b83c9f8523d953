package dev.flywheel.trainer.objective;

/**
 * How the scores of a slate's options are summed from log-probabilities of single tokens.
 *
 * <p>score[k] = sum over the targets t of option k of sign_t * log p(t). A verdict has two targets
 * on one row, log p(accept) - log p(reject), which is logit(accept) - logit(reject): the softmax's
 * normaliser cancels. A likelihood has one target per token of the continuation, all with sign +1.
 *
 * @param option [targets] the option that each target belongs to
 * @param sign [targets] +1 or -1
 */
public record OptionTerms(int options, int[] option, double[] sign) {
    public OptionTerms {
        if (option.length != sign.length) {
            throw new IllegalArgumentException(
                    "sign has %d entries, option has %d; give one of each per target"
                            .formatted(sign.length, option.length));
        }
        for (int k : option) {
            if (k < 0 || k >= options) {
                throw new IllegalArgumentException(
                        "option " + k + " is outside [0, " + options + ")");
            }
        }
    }

    /** Sums log-probabilities into scores. */
    public double[] scores(double[] logProbs) {
        double[] scores = new double[options];
        for (int t = 0; t < option.length; t++) {
            scores[option[t]] += sign[t] * logProbs[t];
        }
        return scores;
    }

    /** Spreads dL/dscore over the targets: dL/dlogp. */
    public double[] toTargets(double[] scoreGradient) {
        double[] gradient = new double[option.length];
        for (int t = 0; t < option.length; t++) {
            gradient[t] = sign[t] * scoreGradient[option[t]];
        }
        return gradient;
    }
}
