package dev.flywheel.app.oracle;

import java.util.Arrays;

/** How far one optimizer's path lies from another's, over all tensors together. Not thread-safe. */
final class TrajectoryDistance {
    private static final double MOST = 0.99;

    private double error;
    private double moved;
    private double[] differences = new double[0];

    /** Adds a tensor: as it is, as it ought to be, and as both began. */
    void add(float[] actual, float[] golden, float[] start) {
        int offset = differences.length;
        differences = Arrays.copyOf(differences, offset + golden.length);
        for (int i = 0; i < golden.length; i++) {
            double difference = (double) actual[i] - golden[i];
            double move = (double) golden[i] - start[i];
            differences[offset + i] = Math.abs(difference);
            error += difference * difference;
            moved += move * move;
        }
    }

    /** Returns sqrt(sum (actual - golden)^2 / sum (golden - start)^2). */
    double moveRelative() {
        return error == 0 ? 0 : Math.sqrt(error / moved);
    }

    /** Returns what at least 99 % of all elements differ by at most. */
    double absoluteForMost() {
        double[] sorted = differences.clone();
        Arrays.sort(sorted); // NaN last
        int index = (int) Math.ceil(MOST * sorted.length) - 1;
        return sorted.length == 0 ? 0 : sorted[index];
    }
}
