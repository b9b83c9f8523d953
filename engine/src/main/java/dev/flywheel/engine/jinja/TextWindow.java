package dev.flywheel.engine.jinja;

import org.jspecify.annotations.Nullable;

/**
 * The part of a text in which {@code find} and its like look, from {@code start} up to {@code end}.
 *
 * @param text the part
 * @param before characters (code points) before it
 * @param any whether it lies within the text; nothing is found in one that does not, not even no text
 * @param wanted what is looked for
 */
record TextWindow(String text, long before, boolean any, @Nullable Object wanted) {
    static TextWindow of(String text, Arguments.Bound arguments) {
        Object wanted = arguments.need(arguments.names().get(0));
        long length = Kinds.length(text);
        long start = bound(arguments.get("start", null), 0, length);
        long end = Math.min(length, bound(arguments.get("end", null), length, length));
        if (start > end) {
            return new TextWindow("", start, false, wanted);
        }
        int from = text.offsetByCodePoints(0, (int) start);
        int to = text.offsetByCodePoints(from, (int) (end - start));
        return new TextWindow(text.substring(from, to), start, true, wanted);
    }

    private static long bound(@Nullable Object given, long otherwise, long length) {
        if (given == null) {
            return otherwise;
        }
        long at = Kinds.integer(given, "slice index");
        return at < 0 ? Math.max(0, at + length) : at;
    }

    String part() {
        return Kinds.text(wanted, "what is looked for");
    }

    /** Returns where the part begins first in the whole text, or -1. */
    long first() {
        return any ? place(text.indexOf(part())) : place(-1);
    }

    /** Returns where the part begins last in the whole text, or -1. */
    long last() {
        return any ? place(text.lastIndexOf(part())) : place(-1);
    }

    private long place(int index) {
        return index < 0 ? -1 : before + text.codePointCount(0, index);
    }
}
