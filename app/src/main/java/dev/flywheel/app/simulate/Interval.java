package dev.flywheel.app.simulate;

import java.util.List;

/**
 * A mean with its 95 % interval by Student's t; of a single value the interval is unknown.
 *
 * @param mean of the values
 * @param halfWidth half of the interval; NaN of fewer than two values
 */
public record Interval(double mean, double halfWidth) {
    /** Two-sided 95 % quantiles of t for 1 to 30 degrees of freedom; beyond them the normal one is near enough. */
    private static final double[] T = {
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
        2.045, 2.042};

    private static final double NORMAL = 1.960;

    /** Returns the interval of independent values of the same quantity. */
    public static Interval of(List<Double> values) {
        int n = values.size();
        double mean = values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
        if (n < 2) {
            return new Interval(mean, Double.NaN);
        }
        double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
        double t = n - 1 <= T.length ? T[n - 2] : NORMAL;
        return new Interval(mean, t * Math.sqrt(squares / (n - 1) / n));
    }

    /** Whether all of the interval is above zero. */
    public boolean aboveZero() {
        return mean - halfWidth > 0;
    }
}
