package dev.flywheel.serving.rpc;

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
    record Piece(List<Integer> ids, String text) {}

    private record Token(int id, String text) {}

    private final Queue<Token> tokens = new ArrayDeque<>();

    void add(int id, String text) {
        tokens.add(new Token(id, text));
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
        List<Integer> ids = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        while (ids.size() < PIECE_TOKENS_MAX && !tokens.isEmpty()) {
            Token token = tokens.remove();
            ids.add(token.id());
            text.append(token.text());
        }
        return new Piece(ids, text.toString());
    }

    void clear() {
        tokens.clear();
    }
}
