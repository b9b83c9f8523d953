package dev.flywheel.serving.runner;

/**
 * What tokens lose that have been said.
 *
 * @param repetition scores of tokens of the prompt or the answer are divided by it where positive, multiplied where negative; 1 is
 *     none (Keskar et al., arXiv:1909.05858)
 * @param presence is taken off the scores of tokens that stand in the answer, nats
 * @param frequency is taken off as often as a token stands in the answer, nats
 */
public record Penalties(double repetition, double presence, double frequency) {
    public static final Penalties NONE = new Penalties(1, 0, 0);

    public Penalties {
        if (!(repetition > 0) || Double.isInfinite(repetition) || !Double.isFinite(presence)
                || !Double.isFinite(frequency)) {
            throw new IllegalArgumentException("penalties are repetition " + repetition
                    + ", presence " + presence + ", frequency " + frequency
                    + "; allowed are a number above 0, and two finite ones");
        }
    }

    /** Returns a penalised score. */
    float of(float score, boolean inPrompt, int inAnswer) {
        double left = score;
        if (inPrompt || inAnswer > 0) {
            left = left > 0 ? left / repetition : left * repetition;
        }
        if (inAnswer > 0) {
            left -= presence + frequency * inAnswer;
        }
        return (float) left;
    }
}
