package dev.flywheel.app.deadletter;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a letter stands in the dead-letter topic, written as {@code partition:offset}. */
public record Position(int partition, long offset) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,9}):(\\d{1,18})");

    /** Reads what {@link #toString} writes. */
    public static Position of(String text) {
        return read(text).orElseThrow(() -> new IllegalArgumentException(
                "'%s' is no position; give partition:offset as dlq list prints it, such as 0:17"
                        .formatted(text)));
    }

    /** Reads the same; empty if it is anything else. */
    static Optional<Position> read(String text) {
        Matcher form = FORM.matcher(text);
        return form.matches()
                ? Optional.of(new Position(Integer.parseInt(form.group(1)),
                        Long.parseLong(form.group(2))))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return partition + ":" + offset;
    }
}
