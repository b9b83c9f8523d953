package dev.flywheel.serving.rank;

/**
 * Numbers that follow from a seed and a position alone (Steele, Lea and Flood, OOPSLA 2014).
 *
 * <p>Written out rather than taken from the JDK, so that a logged seed replays in any language and
 * any JDK.
 */
public final class SplitMix64 {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private SplitMix64() {}

    /** Returns the 64 random bits at a position, from 0, of the sequence that a seed starts. */
    public static long bits(long seed, long position) {
        long z = seed + (position + 1) * GAMMA;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** Returns a number in [0, 1), a multiple of 2^-53. */
    public static double uniform(long seed, long position) {
        return (bits(seed, position) >>> 11) * 0x1.0p-53;
    }
}
