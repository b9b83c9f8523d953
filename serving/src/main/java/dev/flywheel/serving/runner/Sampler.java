package dev.flywheel.serving.runner;

import dev.flywheel.engine.forward.Logits;
import dev.flywheel.serving.rank.SplitMix64;
import java.util.Arrays;

/**
 * Chooses tokens. The n-th choice takes the uniform number SplitMix64(seed, n), so it follows from the
 * scores, the seed and n alone.
 *
 * <p>Scores are divided by the temperature, cut to the top k, turned into probabilities, cut to the
 * smallest set of the most probable that reaches top p, and drawn from in that order; equal scores are
 * ordered by id. Not thread-safe.
 */
public final class Sampler {
    private final Sampling sampling;
    private long drawn;

    public Sampler(Sampling sampling) {
        this.sampling = sampling;
    }

    /** Returns the token chosen from one row. */
    public int sample(Logits logits, int row) {
        if (sampling.temperature() == 0) {
            return logits.argMax(row);
        }
        return draw(logits.copyRow(row), SplitMix64.uniform(sampling.seed(), drawn++));
    }

    int draw(float[] scores, double u) {
        int[] ids = byScore(scores);
        int kept = sampling.topK() == 0 ? ids.length : Math.min(sampling.topK(), ids.length);
        double[] weights = new double[kept];
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            weights[i] = Math.exp(
                    ((double) scores[ids[i]] - scores[ids[0]]) / sampling.temperature());
            sum += weights[i];
        }
        double share = 0;
        int last = kept - 1;
        for (int i = 0; i < kept; i++) {
            share += weights[i];
            if (share >= sampling.topP() * sum) {
                last = i;
                break;
            }
        }
        double target = u * (last == kept - 1 ? sum : share);
        double passed = 0;
        for (int i = 0; i < last; i++) {
            passed += weights[i];
            if (target < passed) {
                return ids[i];
            }
        }
        return ids[last];
    }

    /** Returns all ids, largest score first, smaller id first among equals. */
    private static int[] byScore(float[] scores) {
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
