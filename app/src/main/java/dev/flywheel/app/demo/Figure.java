package dev.flywheel.app.demo;

import java.util.Locale;

/** A number for a reader; what has not been measured is a dash. */
final class Figure {
    private static final String UNMEASURED = "-";

    private Figure() {}

    static String seconds(double seconds) {
        return of("%.2f s", seconds);
    }

    /** Formats {@code value}, which is NaN if it has not been measured. */
    static String of(String format, double value) {
        return Double.isNaN(value) ? UNMEASURED : String.format(Locale.ROOT, format, value);
    }
}
