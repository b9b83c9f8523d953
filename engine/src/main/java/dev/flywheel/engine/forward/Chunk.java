package dev.flywheel.engine.forward;

import dev.flywheel.engine.kv.KvSequence;

/**
 * The next tokens of one sequence: a whole prompt, a piece of one, or a single decoded token.
 *
 * @param sequence grows by the tokens
 * @param tokens at least one; not copied, must not change during the run
 * @param adapterSlot a staged slot, or -1 for the bare base model
 */
public record Chunk(KvSequence sequence, int[] tokens, int adapterSlot, Wanted wanted) {
    public Chunk {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("a chunk has no tokens; expected at least 1");
        }
    }

    int wantedRows() {
        return switch (wanted) {
            case NONE -> 0;
            case LAST -> 1;
            case ALL -> tokens.length;
        };
    }

    boolean wants(int index) {
        return switch (wanted) {
            case NONE -> false;
            case LAST -> index == tokens.length - 1;
            case ALL -> true;
        };
    }
}
