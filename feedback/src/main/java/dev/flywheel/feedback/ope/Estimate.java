package dev.flywheel.feedback.ope;

/**
 * What a policy would have earned for each decision.
 *
 * @param value reward for each decision
 * @param standardError of {@code value}
 */
public record Estimate(double value, double standardError) {
    /** 95 % of a normal distribution lies within so many standard errors. */
    private static final double Z95 = 1.959963984540054;

    /** Returns the lower end of the interval that holds the true value in 95 of 100 logs. */
    public double low() {
        return value - Z95 * standardError;
    }

    /** Returns its upper end. */
    public double high() {
        return value + Z95 * standardError;
    }
}
