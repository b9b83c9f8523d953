package dev.flywheel.engine.jinja;

/** Backslash escapes of a string in a template. */
final class Escapes {
    private static final String SIMPLE = "abfnrtv\\'\"";
    private static final String MEANT = "\u0007\b\f\n\r\t\u000B\\'\"";

    private Escapes() {}

    static String decode(String raw, int line) {
        if (raw.indexOf('\\') < 0) {
            return raw;
        }
        StringBuilder out = new StringBuilder(raw.length());
        int at = 0;
        while (at < raw.length()) {
            char c = raw.charAt(at);
            if (c != '\\' || at + 1 >= raw.length()) {
                out.append(c);
                at++;
            } else {
                at = escape(raw, at + 1, out, line);
            }
        }
        return out.toString();
    }

    /** Appends what the escape whose letter stands at {@code at} means; returns where it ends. */
    private static int escape(String raw, int at, StringBuilder out, int line) {
        char c = raw.charAt(at);
        int simple = SIMPLE.indexOf(c);
        if (simple >= 0) {
            out.append(MEANT.charAt(simple));
            return at + 1;
        }
        if (c == '\n') {
            return at + 1;
        }
        if (c >= '0' && c <= '7') {
            int end = at;
            while (end < raw.length() && end < at + 3 && raw.charAt(end) >= '0'
                    && raw.charAt(end) <= '7') {
                end++;
            }
            out.appendCodePoint(Integer.parseInt(raw.substring(at, end), 8));
            return end;
        }
        int digits = switch (c) {
            case 'x' -> 2;
            case 'u' -> 4;
            case 'U' -> 8;
            default -> 0;
        };
        if (digits > 0) {
            out.appendCodePoint(codePoint(raw, at + 1, digits, line));
            return at + 1 + digits;
        }
        if (c == 'N') {
            throw TemplateException.unsupported("the escape \\N", line);
        }
        out.append('\\').append(c);
        return at + 1;
    }

    private static int codePoint(String raw, int from, int digits, int line) {
        int value = -1;
        if (from + digits <= raw.length()) {
            String hex = raw.substring(from, from + digits);
            value = hex.matches("[0-9a-fA-F]+") ? (int) Math.min(Long.parseLong(hex, 16), 0x110000)
                    : -1;
        }
        if (!Character.isValidCodePoint(value)) {
            throw TemplateException
                    .syntax("a string holds a broken escape \\" + raw.charAt(from - 1), line);
        }
        return value;
    }
}
