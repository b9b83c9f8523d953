package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.JudgedItem;

/**
 * A served verdict beside what the user did: probability = sigmoid(score), log loss = -ln of the probability of what happened.
 *
 * @param score log-odds, as served
 * @param weightMicros how many items it stands for, in millionths: more than one where sampling left others out
 */
record Verdict(double score, boolean taken, long weightMicros) {
    static final long ONE = 1_000_000;

    private static final double NANOS = 1e9;

    /** No more than this is counted for a verdict that was certain and wrong, nats. */
    private static final double LOSS_MAX = 50;

    static Verdict of(JudgedItem item) {
        return new Verdict(item.getScore(), item.getTaken(), item.getWeightMicros());
    }

    double probability() {
        return 1 / (1 + Math.exp(-score));
    }

    double loss() {
        double against = taken ? -score : score;
        // ln(1 + e^x), without overflow.
        double loss = Math.max(against, 0) + Math.log1p(Math.exp(-Math.abs(against)));
        return Math.min(LOSS_MAX, loss);
    }

    long lossNanos() {
        return Math.round(loss() * NANOS * weightMicros / ONE);
    }

    long predictedNanos() {
        return Math.round(probability() * NANOS * weightMicros / ONE);
    }
}
