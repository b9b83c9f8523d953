package dev.flywheel.app.deadletter;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a letter stands in the dead-letter topic, written as {@code partition:offset}. */
public record Position(int partition, long offset) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,9}):(\\d{1,18})");

    /** Reads what {@link #toString} writes. */
    public static Position of(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException(
                    "'%s' is no position; give partition:offset as dlq list prints it, such as 0:17"
                            .formatted(text));
        }
        return new Position(Integer.parseInt(form.group(1)), Long.parseLong(form.group(2)));
    }

    @Override
    public String toString() {
        return partition + ":" + offset;
    }
}
