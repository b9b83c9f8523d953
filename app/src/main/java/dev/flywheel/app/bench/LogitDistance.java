package dev.flywheel.app.bench;

import dev.flywheel.engine.forward.Logits;

/** Gathers how far one model's logits are from another's. Not thread-safe. */
final class LogitDistance {
    private double difference;
    private double size;
    private double centredDifference;
    private double centredSize;
    private double lossSum;
    private long same;
    private long rows;
    private long predicted;

    /** Compares the rows of one text; each but the last predicts the token after it. */
    void add(float[][] expected, Logits actual, int firstRow, int[] tokens) {
        for (int i = 0; i < tokens.length; i++) {
            float[] row = actual.copyRow(firstRow + i);
            compare(expected[i], row);
            rows++;
            if (i + 1 < tokens.length) {
                lossSum -= actual.logProb(firstRow + i, tokens[i + 1]);
                predicted++;
            }
        }
    }

    private void compare(float[] expected, float[] actual) {
        double shift = 0;
        double mean = 0;
        double rowDifference = 0;
        double rowSize = 0;
        int best = 0;
        int expectedBest = 0;
        for (int t = 0; t < expected.length; t++) {
            double d = (double) actual[t] - expected[t];
            shift += d;
            mean += expected[t];
            rowDifference += d * d;
            rowSize += (double) expected[t] * expected[t];
            best = actual[t] > actual[best] ? t : best;
            expectedBest = expected[t] > expected[expectedBest] ? t : expectedBest;
        }
        difference += rowDifference;
        size += rowSize;
        centredDifference += rowDifference - shift * shift / expected.length;
        centredSize += rowSize - mean * mean / expected.length;
        same += best == expectedBest ? 1 : 0;
    }

    double relative() {
        return Math.sqrt(difference / size);
    }

    double centred() {
        return Math.sqrt(centredDifference / centredSize);
    }

    double logLoss() {
        return lossSum / predicted;
    }

    double sameArgMax() {
        return (double) same / rows;
    }

    long rows() {
        return rows;
    }
}
