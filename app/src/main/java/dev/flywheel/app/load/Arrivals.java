package dev.flywheel.app.load;

import dev.flywheel.adapters.random.SeededRandom;

/**
 * The times between requests: gamma-distributed, drawn as Marsaglia and Tsang do (A Simple Method for Generating Gamma Variables, ACM
 * TOMS 26(3), 2000). Not thread-safe.
 */
final class Arrivals {
    private static final double NANOS = 1e9;

    private final SeededRandom random;
    private final double shape;
    private final double scale;

    Arrivals(ArrivalPattern pattern, double perSecond, SeededRandom random) {
        this.random = random;
        this.shape = 1 / (pattern.variation() * pattern.variation());
        this.scale = 1 / (perSecond * shape);
    }

    /** Returns how long after one request the next is due, nanoseconds. */
    long nextGap() {
        return Math.round(gamma() * scale * NANOS);
    }

    /** Below 1 a shape is drawn from the one above it. */
    private double gamma() {
        return shape < 1 ? gamma(shape + 1) * Math.pow(1 - random.nextDouble(), 1 / shape)
                : gamma(shape);
    }

    private double gamma(double of) {
        double d = of - 1.0 / 3;
        double c = 1 / Math.sqrt(9 * d);
        while (true) {
            double x = random.nextGaussian();
            double v = Math.pow(1 + c * x, 3);
            if (v > 0 && Math.log(1 - random.nextDouble())
                    < 0.5 * x * x + d - d * v + d * Math.log(v)) {
                return d * v;
            }
        }
    }
}
