package dev.flywheel.adapters.safetensors;

/** Text from a file, made fit for a message: short, printable, in quotes. */
final class Shown {
    private static final int LENGTH_MAX = 120;

    private Shown() {}

    static String of(String text) {
        StringBuilder out = new StringBuilder("'");
        for (int i = 0; i < Math.min(text.length(), LENGTH_MAX); i++) {
            char c = text.charAt(i);
            out.append(Character.isISOControl(c) ? '?' : c);
        }
        return out.append(text.length() > LENGTH_MAX ? "...'" : "'").toString();
    }
}
