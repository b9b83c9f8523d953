package dev.flywheel.feedback.ope;

/**
 * What is known of a policy from the decisions of another.
 *
 * @param decisions how many were looked at
 * @param logged what the log's own policy earned for each decision
 * @param ips inverse propensity scoring: unbiased, and widely spread where weights are
 * @param snips the same, self-normalised: divided by the weights' sum at each place
 * @param dr doubly robust: a reward model, corrected by what it missed, weighted as {@code ips} is
 * @param sndr the same, weighted as {@code snips} is
 * @param effectiveSamples (sum of weights)^2 / sum of their squares, at the place where it is least: so many decisions of the policy's
 *     own would tell as much
 * @param weightMean mean weight at the place where it is furthest from 1, in its standard errors; about 1 if the log's policy might have
 *     done all that the other does, and its propensities are right
 * @param weightMeanStandardError of {@code weightMean}
 * @param weightMax the heaviest single decision
 */
public record Estimates(
        long decisions,
        double logged,
        Estimate ips,
        Estimate snips,
        Estimate dr,
        Estimate sndr,
        double effectiveSamples,
        double weightMean,
        double weightMeanStandardError,
        double weightMax) {
    /** A mean of weights is off by chance no further than so many of its standard errors. */
    private static final double ERRORS_MAX = 5;
    /** What rounding may add. */
    private static final double ROUNDING = 1e-3;

    /** Whether the log can speak for the policy: weights that do not average 1 say that it never did some of what the policy does. */
    public boolean supported() {
        return Math.abs(weightMean - 1) <= ERRORS_MAX * weightMeanStandardError + ROUNDING;
    }
}
