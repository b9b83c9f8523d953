package dev.flywheel.trainer.objective;

import java.util.Arrays;
import java.util.List;

/**
 * The mean by coordinate of what is left when the largest and the smallest values are cut off.
 *
 * <pre>
 * out[i] = 1 / (n - 2 cut) * sum of the values ranked cut + 1 .. n - cut of x_1[i] .. x_n[i]
 * </pre>
 *
 * <p>As long as at most {@code cut} of the vectors are hostile, each coordinate lies within what the
 * others say. Yin et al., ICML 2018, arXiv:1803.01498. The price: what at most {@code cut} vectors say
 * of a coordinate that the others leave at 0 is cut too.
 */
public final class TrimmedMean {
    private TrimmedMean() {}

    /** Returns how many of {@code count} vectors a share stands for at each end, leaving at least one. */
    public static int cut(double share, int count) {
        return Math.max(0, Math.min((int) (share * count), (count - 1) / 2));
    }

    /** Sums in ascending order, so that the order of the vectors changes no bit. */
    public static float[] of(List<float[]> vectors, int cut) {
        int count = vectors.size();
        float[] mean = new float[vectors.getFirst().length];
        float[] column = new float[count];
        for (int i = 0; i < mean.length; i++) {
            for (int n = 0; n < count; n++) {
                column[n] = vectors.get(n)[i];
            }
            Arrays.sort(column);
            double sum = 0;
            for (int n = cut; n < count - cut; n++) {
                sum += column[n];
            }
            mean[i] = (float) (sum / (count - 2 * cut));
        }
        return mean;
    }
}
