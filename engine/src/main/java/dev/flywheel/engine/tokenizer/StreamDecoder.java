package dev.flywheel.engine.tokenizer;

import java.util.Arrays;

/**
 * Turns a stream of token ids into pieces of text.
 *
 * <p>Invariant: the pieces joined are {@link Tokenizer#decode(int[])} of all ids, and no piece ends
 * inside a character. Text whose end could still change (half a character, a run of byte tokens) is
 * held back, at most {@value #HELD_MAX} tokens of it.
 *
 * <p>Not thread-safe; one per answer.
 */
public final class StreamDecoder {
    private static final int HELD_MAX = 256;
    private static final int CONTEXT_TOKENS = 4;
    private static final int UTF8_BYTES_MAX = 4;
    private static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;

    /** Tokens that decide the text still to come: some emitted ones as context, then the held. */
    private int[] window = new int[16];

    private int windowLength;

    /** Characters of the window's text that were emitted. */
    private int emittedChars;

    private int held;

    StreamDecoder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** Takes one id and returns the text that became certain, often empty. */
    public String push(int id) {
        if (tokenizer.isControl(id)) {
            return "";
        }
        if (windowLength == window.length) {
            window = Arrays.copyOf(window, 2 * windowLength);
        }
        window[windowLength++] = id;
        held++;
        boolean full = held >= HELD_MAX;
        if (tokenizer.isByteOfRun(id)) {
            return full ? emitWholeCharacters() : "";
        }
        return emit(full);
    }

    /**
     * Emits a long run of byte tokens up to its last whole character. A run that turns out broken
     * later would decode otherwise as a whole; it is not waited for without a bound.
     */
    private String emitWholeCharacters() {
        for (int rest = 0; rest < UTF8_BYTES_MAX; rest++) {
            int end = windowLength - rest;
            String text = tokenizer.decode(Arrays.copyOf(window, end));
            for (int size = 1; size <= UTF8_BYTES_MAX && !endsBroken(text); size++) {
                String last = tokenizer.decode(Arrays.copyOfRange(window, end - size, end));
                if (!endsBroken(last)) {
                    String piece = text.substring(Math.min(emittedChars, text.length()));
                    keepFrom(end - size);
                    emittedChars = last.length();
                    held = rest;
                    return piece;
                }
            }
        }
        return emit(true);
    }

    private static boolean endsBroken(String text) {
        return text.isEmpty() || text.charAt(text.length() - 1) == REPLACEMENT;
    }

    private void keepFrom(int from) {
        windowLength -= from;
        System.arraycopy(window, from, window, 0, windowLength);
    }

    /** Returns what was held back; the stream is over. */
    public String finish() {
        return windowLength == 0 ? "" : emit(true);
    }

    private String emit(boolean everything) {
        String text = tokenizer.decode(Arrays.copyOf(window, windowLength));
        int certain = everything ? text.length() : tokenizer.certainLength(certain(text));
        if (certain <= emittedChars) {
            return "";
        }
        String piece = text.substring(emittedChars, certain);
        emittedChars = certain;
        if (certain == text.length()) {
            held = 0;
            slide();
        }
        return piece;
    }

    /** A replacement character at the end may be the beginning of a real one. */
    private static String certain(String text) {
        int length = text.length();
        while (length > 0 && text.charAt(length - 1) == REPLACEMENT) {
            length--;
        }
        return text.substring(0, length);
    }

    private void slide() {
        if (windowLength <= 2 * CONTEXT_TOKENS) {
            return;
        }
        keepFrom(windowLength - CONTEXT_TOKENS);
        emittedChars = tokenizer.decode(Arrays.copyOf(window, windowLength)).length();
    }
}
