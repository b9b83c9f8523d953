package dev.flywheel.serving.runner;

/**
 * How the next token is chosen.
 *
 * @param temperature 0 means the most probable token
 * @param topK only this many of the most probable tokens; 0 means all
 * @param topP only the most probable tokens that together reach this share; 1 means all
 * @param minP only tokens at least this fraction as probable as the most probable one; 0 means all
 * @param penalties hold at any temperature
 * @param seed the same seed gives the same choices
 */
public record Sampling(
        double temperature,
        int topK,
        double topP,
        double minP,
        Penalties penalties,
        long seed) {
    public Sampling {
        if (!(temperature >= 0) || Double.isInfinite(temperature) || topK < 0 || !(topP > 0)
                || topP > 1 || !(minP >= 0) || minP > 1) {
            throw new IllegalArgumentException("sampling is temperature " + temperature
                    + ", top_k " + topK + ", top_p " + topP + ", min_p " + minP
                    + "; allowed are 0 or more, 0 or more, above 0 to 1, 0 to 1");
        }
    }

    /** Without penalties, and without {@code minP}. */
    public Sampling(double temperature, int topK, double topP, long seed) {
        this(temperature, topK, topP, 0, Penalties.NONE, seed);
    }

    /** The most probable token each time. */
    public static Sampling greedy() {
        return new Sampling(0, 0, 1, 0);
    }
}
