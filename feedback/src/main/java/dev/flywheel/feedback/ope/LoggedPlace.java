package dev.flywheel.feedback.ope;

import java.util.List;

/**
 * One place of a slate: what could have been put there, what was, and what came of it.
 *
 * @param options ids of what could be put there; what stands in an earlier place may be among them, with probability 0
 * @param target the other policy's probability of each option, given the places before; 0 to 1, together 1
 * @param taken index in {@code options} of what was put there
 * @param propensity probability with which the log's policy put it there, given the places before; above 0, at most 1
 * @param reward what came of it
 */
public record LoggedPlace(
        List<String> options,
        double[] target,
        int taken,
        double propensity,
        double reward) {
    /** Sums of probabilities may be off by what rounding leaves. */
    private static final double ROUNDING = 1e-6;

    public LoggedPlace {
        if (target.length != options.size() || taken < 0 || taken >= target.length) {
            throw new IllegalArgumentException("%d options, %d probabilities, number %d taken"
                    .formatted(options.size(), target.length, taken));
        }
        if (!(propensity > 0 && propensity <= 1)) {
            throw new IllegalArgumentException(
                    "propensity is %s, it must be above 0 and at most 1".formatted(propensity));
        }
        if (!Double.isFinite(reward)) {
            throw new IllegalArgumentException("reward is %s, it must be finite".formatted(reward));
        }
        requireProbabilities(target);
    }

    private static void requireProbabilities(double[] target) {
        double sum = 0;
        for (double each : target) {
            if (!(each >= 0)) {
                throw new IllegalArgumentException(
                        "the policy's probability is %s, it must be 0 to 1".formatted(each));
            }
            sum += each;
        }
        if (Math.abs(sum - 1) > ROUNDING) {
            throw new IllegalArgumentException(
                    "the policy's probabilities add up to %s, they must to 1".formatted(sum));
        }
    }

    /** Returns by how much likelier the other policy is to have done the same. */
    double ratio() {
        return target[taken] / propensity;
    }

    String item() {
        return options.get(taken);
    }
}
