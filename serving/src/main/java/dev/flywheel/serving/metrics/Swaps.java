package dev.flywheel.serving.metrics;

import java.util.Arrays;

/**
 * Hot swaps of an alias from one version to another: how many, and how long the flip took. Percentiles
 * are exact over the last {@value #KEPT} flips. Thread-safe.
 */
public final class Swaps {
    private static final int KEPT = 16_384;

    private final long[] flipNanos = new long[KEPT];
    private final long[] publishMillis = new long[KEPT];
    private long count;
    private long published;

    /**
     * What the swaps so far took.
     *
     * @param count flips since the node started
     * @param flipMillisP99 time to flip the reference
     * @param publishMillisP50 from the store's commit of a version until requests get it
     */
    public record Figures(
            long count,
            double flipMillisP50,
            double flipMillisP99,
            double flipMillisMax,
            double publishMillisP50,
            double publishMillisP99) {}

    synchronized void flipped(long nanos) {
        flipNanos[(int) (count++ % KEPT)] = nanos;
    }

    synchronized void publishedAfter(long millis) {
        publishMillis[(int) (published++ % KEPT)] = millis;
    }

    /** Returns the figures as they stand; 0 where there is nothing yet. */
    public synchronized Figures figures() {
        long[] flips = sorted(flipNanos, count);
        long[] publishes = sorted(publishMillis, published);
        return new Figures(count, at(flips, 0.5) / 1e6, at(flips, 0.99) / 1e6, at(flips, 1) / 1e6,
                at(publishes, 0.5), at(publishes, 0.99));
    }

    private static long[] sorted(long[] ring, long entries) {
        long[] copy = Arrays.copyOf(ring, (int) Math.min(KEPT, entries));
        Arrays.sort(copy);
        return copy;
    }

    private static double at(long[] sorted, double share) {
        return sorted.length == 0
                ? 0
                : sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }
}
