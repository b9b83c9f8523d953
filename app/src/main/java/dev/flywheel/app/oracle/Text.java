package dev.flywheel.app.oracle;

import java.util.Arrays;

/** Shows values in messages, shortened. */
final class Text {
    private static final int CHARACTERS_MAX = 60;
    private static final int TOKENS_MAX = 4;

    private Text() {}

    /** Returns a text in quotes, control characters and lone surrogates escaped. */
    static String shown(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.codePoints().limit(CHARACTERS_MAX).forEach(c -> {
            boolean plain = !Character.isISOControl(c)
                    && Character.getType(c) != Character.SURROGATE;
            if (plain) {
                out.appendCodePoint(c);
            } else {
                out.append("\\u%04x".formatted(c));
            }
        });
        return out.append(text.length() > CHARACTERS_MAX ? "\"..." : "\"").toString();
    }

    /** Returns the first ids from an index on. */
    static String from(int[] ids, int index) {
        int end = Math.min(ids.length, index + TOKENS_MAX);
        return Arrays.toString(Arrays.copyOfRange(ids, Math.min(index, end), end));
    }
}
