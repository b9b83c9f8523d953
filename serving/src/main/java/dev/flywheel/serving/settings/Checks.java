package dev.flywheel.serving.settings;

import java.time.Duration;

/** Checks of settings; each message names the setting, what it is and what is allowed. */
final class Checks {
    private Checks() {}

    static void within(String name, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new IllegalArgumentException(
                    "%s is %s, allowed is %s to %s".formatted(name, value, least, most));
        }
    }

    static void atLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(
                    "%s is %d, must be at least %d".formatted(name, value, least));
        }
    }

    static void positive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException("%s is %s, must be positive".formatted(name, value));
        }
    }
}
