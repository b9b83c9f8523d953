package dev.flywheel.trainer.round;

/**
 * A text of the base model's own on which its answers are to stay as they are.
 *
 * @param promptIds tokens before the answer, at least one
 * @param answerIds tokens of the answer; the rows that predict them are leashed to the base
 */
public record Anchor(int[] promptIds, int[] answerIds) {
    /** Returns the rows it takes on the device: the last token is only ever predicted. */
    int rows() {
        return promptIds.length + answerIds.length - 1;
    }
}
