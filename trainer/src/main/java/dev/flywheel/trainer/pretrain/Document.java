package dev.flywheel.trainer.pretrain;

import java.util.List;

/**
 * One text of the corpus in pieces. Pieces break only where a token would break too: an answer begins
 * with a space, what follows it with a line break.
 */
public record Document(Skill skill, List<Piece> pieces) {
    public Document {
        pieces = List.copyOf(pieces);
    }

    /**
     * A run of text.
     *
     * @param answer whether it is what a prompt before it asks for
     */
    public record Piece(String text, boolean answer) {
        static Piece prompt(String text) {
            return new Piece(text, false);
        }

        static Piece answer(String text) {
            return new Piece(text, true);
        }
    }

    static Document of(Skill skill, String prompt, String answer) {
        return new Document(skill, List.of(Piece.prompt(prompt), Piece.answer(answer)));
    }

    /** Returns the whole text. */
    public String text() {
        StringBuilder out = new StringBuilder();
        pieces.forEach(piece -> out.append(piece.text()));
        return out.toString();
    }

    /** Returns everything before the first answer. */
    public String prompt() {
        return pieces.getFirst().text();
    }

    /** Returns the first answer, with its leading space. */
    public String answer() {
        return pieces.get(1).text();
    }
}
