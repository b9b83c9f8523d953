package dev.flywheel.trainer.objective;

/** Divides by the sum of weights, which an objective's average needs to be above zero. */
final class WeightedMean {
    private WeightedMean() {}

    /** Returns the sum of the weights. */
    static double total(double[] weights) {
        double total = 0;
        for (double weight : weights) {
            if (!(weight >= 0)) {
                throw new IllegalArgumentException("weight is " + weight + ", must be at least 0");
            }
            total += weight;
        }
        if (!(total > 0)) {
            throw new IllegalArgumentException(
                    "weights sum to " + total + ", must be above 0; leave such a batch out");
        }
        return total;
    }
}
