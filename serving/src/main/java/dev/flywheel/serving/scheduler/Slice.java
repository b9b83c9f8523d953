package dev.flywheel.serving.scheduler;

/**
 * Tokens of one sequence that one forward pass reads.
 *
 * @param from index of the first token in its sequence
 * @param count tokens, at least 1
 */
public record Slice(SequenceGroup group, Sequence sequence, int from, int count) {

    /** Returns the tokens to read. */
    public int[] tokens() {
        return sequence.copy(from, count);
    }

    /** Returns whether the sequence has nothing left to read after this slice. */
    public boolean last() {
        return from + count == sequence.length();
    }
}
