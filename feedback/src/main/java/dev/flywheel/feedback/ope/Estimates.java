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
 * @param weightMean about 1 if the log's propensities are right
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
        double weightMax) {}
