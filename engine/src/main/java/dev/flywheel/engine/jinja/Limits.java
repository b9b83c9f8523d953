package dev.flywheel.engine.jinja;

/**
 * How much a template may do before it is stopped.
 *
 * @param steps expressions, statements and items gone through
 * @param characters made, those of intermediate texts included
 * @param depth expressions, blocks, macros and loops within each other while rendering
 */
public record Limits(long steps, long characters, int depth) {
    /** Enough for a chat of some thousand messages, stopped within seconds. */
    public static final Limits STANDARD = new Limits(20_000_000, 256L << 20, 600);

    public Limits {
        if (steps < 1 || characters < 1 || depth < 1) {
            throw new IllegalArgumentException(
                    "template limits must be positive, were %d steps, %d characters, depth %d"
                            .formatted(steps, characters, depth));
        }
    }
}
