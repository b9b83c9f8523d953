package dev.flywheel.serving.runner;

import java.time.Duration;

/** How long steps take on average, from one to the next, over the last seconds. Written by one thread, read by any. */
final class StepTime {
    /** After so much time a third of what was counted still counts. */
    private static final double MEMORY_NANOS = 2e9;

    private double steps;
    private double nanos;
    private volatile double mean;

    /** A step took so long, all that belongs to it included. */
    void took(long step) {
        double kept = Math.exp(-step / MEMORY_NANOS);
        steps = kept * steps + 1;
        nanos = kept * nanos + step;
        mean = nanos / steps;
    }

    /** Returns how long so many steps are going to take; nothing before the first. */
    Duration of(long count) {
        return Duration.ofMillis((long) Math.min(count * mean / 1e6, Integer.MAX_VALUE));
    }
}
