package dev.flywheel.app.oracle;

/** Differences between what was computed and what was to come out; NaN wherever either is. */
final class Difference {
    private Difference() {}

    /** Returns the largest absolute difference. */
    static double maxAbs(float[] actual, float[] golden) {
        double worst = 0;
        for (int i = 0; i < golden.length; i++) {
            worst = Math.max(worst, Math.abs((double) actual[i] - golden[i]));
        }
        return worst;
    }

    /** Returns the largest absolute difference over the largest absolute golden value, if that is not zero. */
    static double relativeMax(float[] actual, float[] golden) {
        double largest = 0;
        for (float value : golden) {
            largest = Math.max(largest, Math.abs(value));
        }
        double worst = maxAbs(actual, golden);
        return largest == 0 ? worst : worst / largest;
    }
}
