package dev.flywheel.app.load;

import java.util.Arrays;

/**
 * A distribution of times, milliseconds; all 0 without any.
 *
 * @param count how many were measured
 */
public record Percentiles(long count, double p50, double p90, double p99, double max) {
    private static final double NANOS_IN_MILLI = 1e6;

    /** Returns the distribution of times in nanoseconds. */
    public static Percentiles ofNanos(long[] nanos) {
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        return new Percentiles(sorted.length, at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99),
                at(sorted, 1));
    }

    private static double at(long[] sorted, double share) {
        if (sorted.length == 0) {
            return 0;
        }
        int index = (int) Math.ceil(share * sorted.length) - 1;
        return sorted[Math.max(0, index)] / NANOS_IN_MILLI;
    }
}
