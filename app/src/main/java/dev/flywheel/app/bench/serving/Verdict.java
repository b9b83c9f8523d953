package dev.flywheel.app.bench.serving;

/** How a figure stands to its target, in words. */
final class Verdict {
    private Verdict() {}

    static String of(boolean held) {
        return held ? "held" : "MISSED";
    }
}
