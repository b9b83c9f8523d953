package dev.flywheel.app.config;

import java.time.Duration;

/** Range checks of settings; each failure names the key, the value and the range. */
final class Check {
    private Check() {}

    static void within(String key, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new ConfigException(
                    "%s is %s, allowed is %s to %s; change it in the file given with --config"
                            .formatted(key, plain(value), plain(least), plain(most)));
        }
    }

    static void positive(String key, Duration value) {
        if (value.isZero() || value.isNegative()) {
            throw new ConfigException(
                    "%s is %s, it must be longer than zero, e.g. 3s".formatted(key, value));
        }
    }

    static void notBlank(String key, String value) {
        if (value.isBlank()) {
            throw new ConfigException("%s is empty; give it a value".formatted(key));
        }
    }

    private static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
