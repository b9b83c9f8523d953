package dev.flywheel.serving.runner;

/**
 * How fast what waits is taken up, in tokens of prompts and answers a second, over the last seconds in which something did wait. Before
 * that was ever so it is the fastest step that counts: steps of few rows are slow for each of them.
 *
 * <p>Written by one thread, read by any.
 */
final class Pace {
    /** After so much time a third of what was counted still counts. */
    private static final double MEMORY_NANOS = 5e9;
    /** Before the first step. */
    private static final double AT_FIRST = 2_000;

    private double tokens;
    private double nanos;
    private double fastest;
    private boolean waited;
    private long lookedAt;
    private volatile double tokensPerSecond = AT_FIRST;

    /** A step read so many tokens in so much time. */
    void step(int read, long took) {
        if (nanos == 0) {
            fastest = Math.max(fastest, read * 1e9 / Math.max(1, took));
            tokensPerSecond = fastest;
        }
    }

    /**
     * What waited was looked at.
     *
     * @param taken tokens of the requests that were taken up now
     * @param waiting requests that go on waiting
     */
    void admitted(long taken, int waiting, long now) {
        if (waited) {
            if (nanos == 0) {
                // What steps promised counts for a second, until more is known.
                tokens = tokensPerSecond;
                nanos = 1e9;
            }
            long passed = Math.max(1, now - lookedAt);
            double kept = Math.exp(-passed / MEMORY_NANOS);
            tokens = kept * tokens + taken;
            nanos = kept * nanos + passed;
            tokensPerSecond = Math.max(1, tokens * 1e9 / nanos);
        }
        waited = waiting > 0;
        lookedAt = now;
    }

    double tokensPerSecond() {
        return tokensPerSecond;
    }
}
