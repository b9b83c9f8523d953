package dev.flywheel.trainer.objective;

/** Stable softmax and logistic pieces that several objectives share. */
final class Softmax {
    /** Probabilities nearer to one than this are taken as this far from it. */
    private static final double CERTAINTY_GAP = 1e-4;

    private Softmax() {}

    /** Natural log of softmax(x / temperature). */
    static double[] logSoftmax(double[] x, double temperature) {
        double max = Double.NEGATIVE_INFINITY;
        for (double value : x) {
            max = Math.max(max, value / temperature);
        }
        double sum = 0;
        for (double value : x) {
            sum += StrictMath.exp(value / temperature - max);
        }
        double logSum = max + StrictMath.log(sum);
        double[] result = new double[x.length];
        for (int k = 0; k < x.length; k++) {
            result[k] = x[k] / temperature - logSum;
        }
        return result;
    }

    /** log(1 + exp(x)), whatever the size of x. */
    static double softplus(double x) {
        return Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
    }

    /** 1 / (1 + exp(-x)). */
    static double sigmoid(double x) {
        if (x >= 0) {
            return 1 / (1 + StrictMath.exp(-x));
        }
        double e = StrictMath.exp(x);
        return e / (1 + e);
    }

    /** exp of a log-probability, kept below one so that log(1 - p) stays finite. */
    static double probability(double logProb) {
        return Math.min(StrictMath.exp(logProb), 1 - CERTAINTY_GAP);
    }
}
