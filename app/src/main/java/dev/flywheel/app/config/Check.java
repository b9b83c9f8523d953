package dev.flywheel.app.config;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/** Range checks of settings; each failure names the key, the value and the range. */
final class Check {
    private static final Duration LONGEST = Duration.ofDays(3650);

    private Check() {}

    static void within(String key, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new ConfigException(
                    "%s is %s, allowed is %s to %s; change it in the file given with --config"
                            .formatted(key, plain(value), plain(least), plain(most)));
        }
    }

    static void positive(String key, Duration value) {
        if (value.isZero()) {
            throw new ConfigException(
                    "%s is zero, it must be longer than that, e.g. 3s".formatted(key));
        }
        atMostTenYears(key, value);
    }

    static void atLeast(String key, Duration value, Duration least) {
        if (value.compareTo(least) < 0) {
            throw new ConfigException(
                    "%s is %d ms, allowed are at least %d ms".formatted(key, value.toMillis(),
                            least.toMillis()));
        }
        atMostTenYears(key, value);
    }

    static void notShorter(String key, Duration value, String otherKey, Duration other) {
        if (value.compareTo(other) < 0) {
            throw new ConfigException(
                    "%s is %s, it must not be shorter than %s %s".formatted(key, value, otherKey,
                            other));
        }
        atMostTenYears(key, value);
    }

    /** For libraries that count in seconds and would cut off the rest in silence. */
    static void wholeSeconds(String key, Duration value) {
        if (value.isZero() || value.getNano() != 0) {
            throw new ConfigException(
                    "%s is %d ms, allowed are whole seconds from 1s".formatted(key,
                            value.toMillis()));
        }
        atMostTenYears(key, value);
    }

    /** Longer ones would overflow when they are added to a time. */
    static void atMostTenYears(String key, Duration value) {
        if (value.compareTo(LONGEST) > 0) {
            throw new ConfigException(
                    "%s is %s days, allowed are at most %d days".formatted(key, value.toDays(),
                            LONGEST.toDays()));
        }
    }

    static void matches(String key, String value, Pattern allowed) {
        if (!allowed.matcher(value).matches()) {
            throw new ConfigException(
                    "%s is \"%s\", allowed is what matches %s".formatted(key, value, allowed));
        }
    }

    static void oneOf(String key, String value, List<String> allowed) {
        if (!allowed.contains(value)) {
            throw new ConfigException(
                    "%s is \"%s\", allowed are %s".formatted(key, value,
                            String.join(", ", allowed)));
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
