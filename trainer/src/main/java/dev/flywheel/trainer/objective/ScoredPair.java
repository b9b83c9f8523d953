package dev.flywheel.trainer.objective;

/**
 * Two answers to one prompt, one preferred over the other.
 *
 * @param chosen summed log-probability of the preferred answer, nats
 * @param rejected the same of the other
 * @param referenceChosen of the preferred answer with the adapter off; carries no gradient
 * @param referenceRejected of the other with the adapter off
 * @param weight of the pair in the average
 */
public record ScoredPair(
        double chosen,
        double rejected,
        double referenceChosen,
        double referenceRejected,
        double weight) {
    /** Returns how much more the adapter prefers the chosen answer than the base does, nats. */
    double margin() {
        return (chosen - referenceChosen) - (rejected - referenceRejected);
    }
}
