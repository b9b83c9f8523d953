package dev.flywheel.engine.jinja;

/** White space as Python's str knows it. */
final class PythonSpace {
    private PythonSpace() {}

    static boolean is(int codePoint) {
        return codePoint >= 0x09 && codePoint <= 0x0D
                || codePoint >= 0x1C && codePoint <= 0x20
                || codePoint == 0x85
                || codePoint == 0xA0
                || codePoint == 0x1680
                || codePoint >= 0x2000 && codePoint <= 0x200A
                || codePoint == 0x2028
                || codePoint == 0x2029
                || codePoint == 0x202F
                || codePoint == 0x205F
                || codePoint == 0x3000;
    }

    static String stripRight(String text) {
        int end = text.length();
        while (end > 0 && is(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    static String stripLeft(String text) {
        int begin = 0;
        while (begin < text.length() && is(text.charAt(begin))) {
            begin++;
        }
        return text.substring(begin);
    }

    static String strip(String text) {
        return stripLeft(stripRight(text));
    }

    static boolean all(String text) {
        return stripRight(text).isEmpty();
    }
}
