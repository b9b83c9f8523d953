package dev.flywheel.serving.runner;

/**
 * How many tokens a second go through while somebody waits, prompts and answers together, over the last seconds. Before that was ever
 * so it is the fastest step that counts: steps of few rows are slow for each of them.
 *
 * <p>Written by one thread, read by any.
 */
final class Pace {
    /** After so much time of steps a third of what was counted still counts. */
    private static final double MEMORY_NANOS = 5e9;
    /** Before the first step. */
    private static final double AT_FIRST = 2_000;

    private double tokens;
    private double nanos;
    private double fastest;
    private volatile double tokensPerSecond = AT_FIRST;

    /** A step read so many tokens in so much time. */
    void step(int read, long took, boolean waiting) {
        if (waiting) {
            double kept = Math.exp(-took / MEMORY_NANOS);
            tokens = kept * tokens + read;
            nanos = kept * nanos + Math.max(1, took);
            tokensPerSecond = tokens * 1e9 / nanos;
        } else if (nanos == 0) {
            fastest = Math.max(fastest, read * 1e9 / Math.max(1, took));
            tokensPerSecond = fastest;
        }
    }

    double tokensPerSecond() {
        return tokensPerSecond;
    }
}
