package dev.flywheel.trainer.round;

/** What an example must fulfil to be trained on. */
final class Requirement {
    private Requirement() {}

    /**
     * @throws IllegalArgumentException with the text, if it does not hold
     */
    static void holds(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
