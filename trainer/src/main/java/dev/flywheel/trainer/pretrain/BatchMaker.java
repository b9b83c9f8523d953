package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.pretrain.Document.Piece;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Packs documents into batches, each document its own segment. Every token of an answer is a target
 * and so is the end of the text; of the other tokens a share drawn at random, because most of them
 * are chance and would drown the answers.
 *
 * <p>Not thread-safe.
 */
final class BatchMaker {
    private final Corpus corpus;
    private final Tokenizer tokenizer;
    private final int rowsMax;
    private final double textShare;
    private @Nullable TokenizedDocument waiting;

    BatchMaker(Corpus corpus, Tokenizer tokenizer, int rowsMax, double textShare) {
        this.corpus = corpus;
        this.tokenizer = tokenizer;
        this.rowsMax = rowsMax;
        this.textShare = textShare;
    }

    /** Returns the next batch; a document that does not fit any more opens the one after. */
    PackedBatch next(SeededRandom random) {
        PackedBatch.Builder batch = PackedBatch.builder();
        int rows = 0;
        while (true) {
            TokenizedDocument document = waiting;
            waiting = null;
            if (document == null) {
                document = tokenized(corpus.next(random));
            }
            // The last token predicts nothing.
            int needed = document.ids().length - 1;
            if (rows + needed > rowsMax) {
                waiting = document;
                return batch.build();
            }
            add(batch, document, random);
            rows += needed;
        }
    }

    private void add(PackedBatch.Builder batch, TokenizedDocument document, SeededRandom random) {
        int[] ids = document.ids();
        int[] inputs = Arrays.copyOf(ids, ids.length - 1);
        int segment = batch.segment(inputs);
        for (int i = 0; i < inputs.length; i++) {
            if (document.answer()[i + 1] || random.chance(textShare)) {
                batch.target(batch.row(segment, i), ids[i + 1]);
            }
        }
    }

    /**
     * A document as token ids.
     *
     * @param ids with the end-of-text token
     * @param answer which ids belong to an answer or end one
     */
    record TokenizedDocument(int[] ids, boolean[] answer) {}

    TokenizedDocument tokenized(Document document) {
        int[] ids = new int[16];
        boolean[] answer = new boolean[16];
        int length = 0;
        boolean lastIsAnswer = false;
        for (Piece piece : document.pieces()) {
            int[] pieceIds = tokenizer.encodeWithoutSpecial(piece.text());
            ids = Arrays.copyOf(ids, length + pieceIds.length + 1);
            answer = Arrays.copyOf(answer, length + pieceIds.length + 1);
            System.arraycopy(pieceIds, 0, ids, length, pieceIds.length);
            Arrays.fill(answer, length, length + pieceIds.length + 1, piece.answer());
            length += pieceIds.length;
            lastIsAnswer = piece.answer();
        }
        ids[length] = tokenizer.eosId();
        answer[length] = lastIsAnswer;
        return new TokenizedDocument(ids, answer);
    }
}
