package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.runner.DrawnToken;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BacklogTest {
    private final Backlog backlog = new Backlog();

    private static DrawnToken token(int id) {
        return new DrawnToken(id, -1, List.of());
    }

    @Test
    void whateverGatheredLeavesInBoundedPiecesAndInOrder() {
        IntStream.range(0, 400).forEach(id -> backlog.add(token(id), id + " "));
        List<Integer> ids = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        while (!backlog.isEmpty()) {
            Backlog.Piece piece = backlog.take();
            assertThat(piece.tokens()).hasSizeBetween(1, Backlog.PIECE_TOKENS_MAX);
            piece.tokens().forEach(token -> ids.add(token.id()));
            text.append(piece.text());
        }
        assertThat(ids).isEqualTo(IntStream.range(0, 400).boxed().toList());
        assertThat(text.toString().split(" ")).hasSize(400);
    }

    @Test
    void aTokensTextLeavesWithIt() {
        IntStream.rangeClosed(0, Backlog.PIECE_TOKENS_MAX)
                .forEach(id -> backlog.add(token(id), "<" + id + ">"));
        assertThat(backlog.fitsOnePiece()).isFalse();
        assertThat(backlog.take().text()).endsWith("<" + (Backlog.PIECE_TOKENS_MAX - 1) + ">");
        assertThat(backlog.fitsOnePiece()).isTrue();
        assertThat(backlog.take())
                .isEqualTo(new Backlog.Piece(List.of(token(Backlog.PIECE_TOKENS_MAX)),
                        "<" + Backlog.PIECE_TOKENS_MAX + ">"));
    }

    @Test
    void nothingIsAnEmptyPiece() {
        assertThat(backlog.fitsOnePiece()).isTrue();
        assertThat(backlog.take()).isEqualTo(new Backlog.Piece(List.of(), ""));
    }
}
