package dev.flywheel.trainer.objective;

/**
 * One answer that somebody found good or bad.
 *
 * @param score summed log-probability of the answer, nats
 * @param reference the same with the adapter off; carries no gradient
 * @param desirable whether it was found good
 * @param weight of the answer in the average
 */
public record ScoredAnswer(double score, double reference, boolean desirable, double weight) {
    /** Returns how much likelier the adapter makes the answer than the base does, nats. */
    double reward() {
        return score - reference;
    }
}
