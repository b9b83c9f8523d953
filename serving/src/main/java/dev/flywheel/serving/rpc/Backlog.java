package dev.flywheel.serving.rpc;

import dev.flywheel.serving.runner.DrawnToken;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * The tokens of an answer that no reply has carried yet.
 *
 * <p>They leave in pieces of at most {@value #PIECE_TOKENS_MAX} tokens, however many have gathered: a piece
 * is written whole or not at all, so a piece without a bound would hand all of a long answer to a
 * transport that is ready for a few bytes. Not thread-safe.
 */
final class Backlog {
    /** What one reply may carry: some hundred bytes of text and ids. */
    static final int PIECE_TOKENS_MAX = 32;

    /** Tokens that leave together, and the text that became certain with them. */
    record Piece(List<DrawnToken> tokens, String text) {}

    private record Said(DrawnToken token, String text) {}

    private final Queue<Said> tokens = new ArrayDeque<>();

    void add(DrawnToken token, String text) {
        tokens.add(new Said(token, text));
    }

    boolean isEmpty() {
        return tokens.isEmpty();
    }

    /** Whether the next piece leaves nothing behind. */
    boolean fitsOnePiece() {
        return tokens.size() <= PIECE_TOKENS_MAX;
    }

    /** Takes the oldest tokens, as many as a piece may carry; none if there is none. */
    Piece take() {
        List<DrawnToken> taken = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        while (taken.size() < PIECE_TOKENS_MAX && !tokens.isEmpty()) {
            Said said = tokens.remove();
            taken.add(said.token());
            text.append(said.text());
        }
        return new Piece(taken, text.toString());
    }

    void clear() {
        tokens.clear();
    }
}
