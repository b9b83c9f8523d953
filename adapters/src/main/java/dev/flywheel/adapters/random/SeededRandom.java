package dev.flywheel.adapters.random;

import java.util.List;

/**
 * SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the
 * state grows by the golden gamma, the output is mixed by two multiplications.
 *
 * <p>The algorithm is written out, not taken from the platform, so that a seed gives the same bits on
 * every virtual machine and in every release. Not thread-safe; {@link #split} gives each user its
 * own.
 */
public final class SeededRandom {
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
    private static final long FNV_OFFSET = 0xCBF29CE484222325L;
    private static final long FNV_PRIME = 0x100000001B3L;
    private static final int DOUBLE_SHIFT = 11;
    private static final double DOUBLE_UNIT = 0x1.0p-53;

    private long state;

    public SeededRandom(long seed) {
        this.state = seed;
    }

    /**
     * Returns a generator for one named purpose. It depends on this generator's present state and the
     * name (FNV-1a over its UTF-16 units), and leaves this one untouched, so the order in which
     * purposes are served does not matter.
     */
    public SeededRandom split(String purpose) {
        long hash = FNV_OFFSET;
        for (int i = 0; i < purpose.length(); i++) {
            hash = (hash ^ purpose.charAt(i)) * FNV_PRIME;
        }
        return new SeededRandom(mix(state + mix(hash)));
    }

    /** Returns the next 64 bits. */
    public long nextLong() {
        state += GOLDEN_GAMMA;
        return mix(state);
    }

    /** Returns a value in [0, 1). */
    public double nextDouble() {
        return (nextLong() >>> DOUBLE_SHIFT) * DOUBLE_UNIT;
    }

    /** Returns a value in [low, high). */
    public double nextDouble(double low, double high) {
        return low + nextDouble() * (high - low);
    }

    /** Returns a value in [0, bound); the bias for bounds far below 2^53 is below 2^-20. */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound must be positive, was " + bound);
        }
        return (int) (nextDouble() * bound);
    }

    /** Returns true with the given probability. */
    public boolean chance(double probability) {
        return nextDouble() < probability;
    }

    /** Returns one element, each equally likely. */
    public <T> T pick(List<T> choices) {
        return choices.get(nextInt(choices.size()));
    }

    /** Returns a normal value with mean 0 and deviation 1 (Box and Muller, one of the pair). */
    public double nextGaussian() {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - nextDouble()));
        return radius * StrictMath.cos(2 * StrictMath.PI * nextDouble());
    }

    private static long mix(long z) {
        long mixed = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }
}
