package dev.flywheel.serving.rank;

import dev.flywheel.api.v1.ExplorationSettings;
import java.util.ArrayList;
import java.util.List;

/**
 * Fills a slate place by place, mostly by score and sometimes by chance.
 *
 * <p>With n candidates left, of scores s, candidate i goes into the next place with probability
 *
 * <pre>{@code
 * p(i) = (1 - e) * exp(s(i) / T) / sum over the left j of exp(s(j) / T)  +  e / n
 * e    = min(1, max(epsilon, n * propensityMin))
 * }</pre>
 *
 * so that no candidate's chance is below {@code propensityMin} as long as n * propensityMin is at
 * most 1, and below 1/n otherwise. With T = 0 the softmax is all on the best score, the first one
 * among equals. A place's propensity is p(i) given the places before it: the probability of the
 * whole slate is the product of its propensities.
 *
 * <p>Place k takes the uniform number u(k) = SplitMix64(seed, k) * 2^-53 and picks the first left
 * candidate, in request order, at which the running sum of p exceeds u(k). The same scores and seed
 * therefore give the same slate, in any language.
 *
 * @param temperature T, 0 or above
 * @param epsilon share of uniform exploration, 0 to 1
 * @param propensityMin floor of each propensity, 0 to 1
 */
public record RankPolicy(double temperature, double epsilon, double propensityMin) {

    public RankPolicy {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException(
                    "temperature is " + temperature + ", must be finite and at least 0");
        }
        requireShare("epsilon", epsilon);
        requireShare("propensityMin", propensityMin);
    }

    /** Returns how impressions name this policy: without uniform exploration it is that of Plackett and Luce, drawn place by place. */
    public String name() {
        return epsilon == 0 && propensityMin == 0 ? "plackett-luce" : "epsilon-uniform";
    }

    /** Returns this policy with what an adapter says for itself over it. */
    public RankPolicy with(ExplorationSettings own) {
        return new RankPolicy(
                own.hasTemperature() ? own.getTemperature() : temperature,
                own.hasEpsilon() ? own.getEpsilon() : epsilon,
                own.hasPropensityMin() ? own.getPropensityMin() : propensityMin);
    }

    /** One place of a slate: the candidate's index and its exact chance of getting there. */
    public record Place(int index, double propensity) {}

    /**
     * Draws a slate.
     *
     * @param scores one finite score for each candidate, nats
     * @param size places to fill, 1 to the number of candidates
     */
    public List<Place> draw(double[] scores, int size, long seed) {
        if (size < 1 || size > scores.length) {
            throw new IllegalArgumentException(
                    "slate size is " + size + ", must be 1 to " + scores.length);
        }
        boolean[] taken = new boolean[scores.length];
        List<Place> slate = new ArrayList<>(size);
        for (int place = 0; place < size; place++) {
            double[] chances = chances(scores, taken, scores.length - place);
            int index = pick(chances, taken, SplitMix64.uniform(seed, place));
            taken[index] = true;
            slate.add(new Place(index, chances[index]));
        }
        return slate;
    }

    /**
     * Returns p(i) for each candidate that is left; 0 for those taken.
     *
     * @param left how many are not taken, at least 1
     */
    public double[] chances(double[] scores, boolean[] taken, int left) {
        double[] chances = new double[scores.length];
        if (left == 1) {
            for (int i = 0; i < scores.length; i++) {
                chances[i] = taken[i] ? 0 : 1;
            }
            return chances;
        }
        double sum = weigh(scores, taken, chances);
        double explore = Math.min(1, Math.max(epsilon, left * propensityMin));
        for (int i = 0; i < scores.length; i++) {
            if (!taken[i]) {
                chances[i] = (1 - explore) * chances[i] / sum + explore / left;
            }
        }
        return chances;
    }

    private double weigh(double[] scores, boolean[] taken, double[] weights) {
        int best = best(scores, taken);
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            if (taken[i]) {
                continue;
            }
            weights[i] = temperature == 0
                    ? (i == best ? 1 : 0)
                    : Math.exp((scores[i] - scores[best]) / temperature);
            sum += weights[i];
        }
        return sum;
    }

    private static int best(double[] scores, boolean[] taken) {
        int best = -1;
        for (int i = 0; i < scores.length; i++) {
            if (!Double.isFinite(scores[i])) {
                throw new IllegalArgumentException("score " + i + " is " + scores[i]
                        + ", must be finite");
            }
            if (!taken[i] && (best < 0 || scores[i] > scores[best])) {
                best = i;
            }
        }
        return best;
    }

    private static int pick(double[] chances, boolean[] taken, double u) {
        double sum = 0;
        int last = -1;
        for (int i = 0; i < chances.length; i++) {
            if (taken[i] || chances[i] == 0) {
                continue;
            }
            last = i;
            sum += chances[i];
            if (u < sum) {
                return i;
            }
        }
        // Rounding left the sum a little below 1 and u above it.
        return last;
    }

    private static void requireShare(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " is " + value + ", must be within [0, 1]");
        }
    }
}
