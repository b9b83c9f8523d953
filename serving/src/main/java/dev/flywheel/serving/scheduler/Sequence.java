package dev.flywheel.serving.scheduler;

import java.util.Arrays;

/**
 * Tokens in the order a model reads them, and how many of them it has read.
 *
 * <p>Invariant: {@code 0 <= computed <= length}. Owned by the scheduler's thread.
 */
public final class Sequence {
    private final int index;
    private int given;
    private int[] tokens;
    private int length;
    private int computed;

    Sequence(int index, int[] tokens) {
        this.index = index;
        this.tokens = tokens.clone();
        this.given = tokens.length;
        this.length = tokens.length;
    }

    /** Returns the place in its group: 0 for the stem, from 1 for the branches. */
    public int index() {
        return index;
    }

    /** Returns how many tokens are known. */
    public int length() {
        return length;
    }

    /** Returns how many tokens the model has read. */
    public int computed() {
        return computed;
    }

    /** Returns how many known tokens the model has still to read. */
    public int pending() {
        return length - computed;
    }

    /** Returns whether all tokens of the request are read and what is pending was sampled. */
    public boolean decoding() {
        return computed >= given;
    }

    /** Counts the first tokens as read: the cache holds what the model made of them. At least one is left. */
    public void skip(int count) {
        if (computed > 0 || count >= length) {
            throw new IllegalArgumentException(
                    "%d of %d tokens cannot be skipped, %d are read".formatted(count, length,
                            computed));
        }
        computed = count;
    }

    /** All tokens have to be read again, the sampled ones too. */
    void rewind() {
        computed = 0;
        given = length;
    }

    /** Adds a sampled token, to be read in the next step. */
    public void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(16, tokens.length * 2));
        }
        tokens[length++] = token;
    }

    /** Returns all tokens that are known. */
    public int[] tokens() {
        return copy(0, length);
    }

    int[] copy(int from, int count) {
        return Arrays.copyOfRange(tokens, from, from + count);
    }

    void advance(int count) {
        assert count <= pending() : "read " + count + " of " + pending() + " tokens";
        computed += count;
    }
}
