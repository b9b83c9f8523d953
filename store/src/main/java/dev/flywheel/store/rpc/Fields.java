package dev.flywheel.store.rpc;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.identity.Digest;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Checks of single fields. Each failure names the field, what came and what is allowed. */
final class Fields {
    private static final String SEGMENT = "[a-z0-9][a-z0-9-]{0,62}";
    private static final Pattern ALIAS = Pattern.compile(SEGMENT);
    private static final Pattern MODULE = Pattern.compile("[A-Za-z0-9_.]{1,128}");
    private static final int SHOWN_MAX = 80;

    private Fields() {}

    static void adapter(String field, String value) {
        parses(field, value, AdapterName::new,
                "one or two segments of 1 to 63 characters a-z, 0-9 and -, joined by /");
    }

    static void alias(String field, String value) {
        matches(field, value, ALIAS, SEGMENT);
    }

    static void digest(String field, String value) {
        parses(field, value, Digest::new, "64 lower-case hex digits");
    }

    static void module(String field, String value) {
        matches(field, value, MODULE, MODULE.pattern());
    }

    private static void parses(String field, String value, Function<String, ?> parser,
            String allowed) {
        try {
            var unused = parser.apply(value);
        } catch (IllegalArgumentException refused) {
            throw Errors.badField(field, "must be " + allowed + ", was " + shown(value));
        }
    }

    private static void matches(String field, String value, Pattern pattern, String allowed) {
        // Length first: a pattern must not be tried on megabytes.
        if (value.length() > 256 || !pattern.matcher(value).matches()) {
            throw Errors.badField(field, "must be " + allowed + ", was " + shown(value));
        }
    }

    static void text(String field, String value, int lengthMax) {
        if (value.isEmpty()) {
            throw Errors.badField(field, "must not be empty");
        }
        optionalText(field, value, lengthMax);
    }

    static void optionalText(String field, String value, int lengthMax) {
        if (value.length() > lengthMax) {
            throw Errors.badField(field,
                    "must have at most " + lengthMax + " characters, had " + value.length());
        }
    }

    /** Numbers of the contract are unsigned; ours end where signed ones do. */
    static void number(String field, long value) {
        if (value < 0) {
            throw Errors.badField(field,
                    "must be below 2^63, was " + Long.toUnsignedString(value));
        }
    }

    static void within(String field, long value, long min, long max) {
        if (value < min || value > max) {
            throw Errors.badField(field, "must be " + min + " to " + max + ", was " + value);
        }
    }

    static void above(String field, double value, double bound) {
        if (!(value > bound) || Double.isInfinite(value)) {
            throw Errors.badField(field, "must be finite and above " + bound + ", was " + value);
        }
    }

    /** What the device computes with it holds in single precision, where a smaller number is nothing. */
    static void deviceAboveZero(String field, double value) {
        if (!((float) value > 0 && Float.isFinite((float) value))) {
            throw Errors.badField(field,
                    "must be above 0 and finite in single precision, was " + value);
        }
    }

    static void deviceNotNegative(String field, double value) {
        if (!(value >= 0 && Float.isFinite((float) value))) {
            throw Errors.badField(field,
                    "must be at least 0 and finite in single precision, was " + value);
        }
    }

    /** In single precision 0.99999999 is 1. */
    static void deviceBelowOne(String field, double value) {
        if (!(value >= 0 && (float) value < 1)) {
            throw Errors.badField(field,
                    "must be at least 0 and below 1 in single precision, was " + value);
        }
    }

    static void within(String field, double value, double min, double max) {
        if (!(value >= min && value <= max)) {
            throw Errors.badField(field, "must be " + min + " to " + max + ", was " + value);
        }
    }

    static void finite(String field, double value) {
        if (!Double.isFinite(value)) {
            throw Errors.badField(field, "must be finite, was " + value);
        }
    }

    /** Callers see their own value back, cut and without control characters. */
    private static String shown(String value) {
        String cut = value.length() > SHOWN_MAX ? value.substring(0, SHOWN_MAX) + "..." : value;
        return "'" + cut.replaceAll("\\p{Cntrl}", "?") + "'";
    }
}
