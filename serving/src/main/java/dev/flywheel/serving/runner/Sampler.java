package dev.flywheel.serving.runner;

import dev.flywheel.engine.forward.Logits;
import dev.flywheel.serving.rank.SplitMix64;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Chooses the tokens of one answer. The n-th choice takes the uniform number SplitMix64(seed, n), so it follows from the
 * scores, the tokens before it, the seed and n alone.
 *
 * <p>Scores are penalised, divided by the temperature and turned into probabilities. Drawn from are the top k, of those the smallest
 * set of the most probable that reaches top p, and of those whoever is not below min p, most probable first; equal scores are ordered
 * by id. Not thread-safe.
 */
public final class Sampler {
    private final Sampling sampling;
    private final Set<Integer> prompt = new HashSet<>();
    private final Map<Integer, Integer> said = new HashMap<>();
    private long drawn;

    /**
     * A token that was chosen.
     *
     * @param logProb natural logarithm of the probability with which it was; 0 if nothing was left to chance
     */
    public record Choice(int id, double logProb) {}

    /** @param prompt tokens that a repetition penalty holds for, too */
    public Sampler(Sampling sampling, int[] prompt) {
        this.sampling = sampling;
        if (sampling.penalties().repetition() != 1) {
            Arrays.stream(prompt).forEach(this.prompt::add);
        }
    }

    /** Returns the token chosen from one row. */
    public Choice sample(Logits logits, int row) {
        boolean penalised = !sampling.penalties().equals(Penalties.NONE);
        Choice choice;
        if (sampling.temperature() == 0) {
            int best = penalised ? byScore(penalise(logits.copyRow(row)))[0] : logits.argMax(row);
            choice = new Choice(best, 0);
        } else {
            float[] scores = logits.copyRow(row);
            choice = draw(penalised ? penalise(scores) : scores,
                    SplitMix64.uniform(sampling.seed(), drawn++));
        }
        if (penalised) {
            said.merge(choice.id(), 1, Integer::sum);
        }
        return choice;
    }

    private float[] penalise(float[] scores) {
        Penalties penalties = sampling.penalties();
        for (int id : prompt) {
            if (!said.containsKey(id)) {
                scores[id] = penalties.of(scores[id], true, 0);
            }
        }
        said.forEach((id, count) -> scores[id] = penalties.of(scores[id], false, count));
        return scores;
    }

    Choice draw(float[] scores, double u) {
        int[] ids = byScore(scores);
        double[] weights = weights(scores, ids);
        int last = last(weights);
        double sum = sum(weights, last + 1);
        double passed = 0;
        for (int i = 0; i < last; i++) {
            passed += weights[i];
            if (u * sum < passed) {
                return new Choice(ids[i], Math.log(weights[i] / sum));
            }
        }
        return new Choice(ids[last], Math.log(weights[last] / sum));
    }

    /** Returns how much likelier than none and how much less than the first each of the top k is: the first's is 1. */
    private double[] weights(float[] scores, int[] ids) {
        int kept = sampling.topK() == 0 ? ids.length : Math.min(sampling.topK(), ids.length);
        double[] weights = new double[kept];
        for (int i = 0; i < kept; i++) {
            weights[i] = Math.exp(
                    ((double) scores[ids[i]] - scores[ids[0]]) / sampling.temperature());
        }
        return weights;
    }

    /** Returns the last that is drawn from. */
    private int last(double[] weights) {
        double enough = sampling.topP() * sum(weights, weights.length);
        double share = 0;
        for (int i = 0; i < weights.length; i++) {
            if (i > 0 && weights[i] < sampling.minP()) {
                return i - 1;
            }
            share += weights[i];
            if (share >= enough) {
                return i;
            }
        }
        return weights.length - 1;
    }

    private static double sum(double[] weights, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[i];
        }
        return sum;
    }

    /** Returns all ids, largest score first, smaller id first among equals. */
    static int[] byScore(float[] scores) {
        long[] keys = new long[scores.length];
        for (int id = 0; id < scores.length; id++) {
            int bits = Float.floatToIntBits(scores[id] + 0f);
            // Orders as the floats do; inverted, so that an ascending sort puts the largest first.
            int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
            keys[id] = ((long) ~ordered << 32) | id;
        }
        Arrays.sort(keys);
        int[] ids = new int[keys.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (int) keys[i];
        }
        return ids;
    }
}
