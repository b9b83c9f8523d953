package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.pretrain.Document.Piece;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Packs documents into batches, each document its own segment. Every token is a target; those of
 * answers, the end of the text included, count fully, the others less, because much of a text is
 * chance and would drown the answers. They still count, for they tell which words go together.
 *
 * <p>Not thread-safe.
 */
final class BatchMaker {
    /** Titles are drawn by chance and are most of a history; their words teach little. */
    private static final double TITLE_SHARE = 0.1;

    private final Corpus corpus;
    private final Tokenizer tokenizer;
    private final int rowsMax;
    private final double textWeight;
    private @Nullable TokenizedDocument waiting;

    BatchMaker(Corpus corpus, Tokenizer tokenizer, int rowsMax, double textWeight) {
        this.corpus = corpus;
        this.tokenizer = tokenizer;
        this.rowsMax = rowsMax;
        this.textWeight = textWeight;
    }

    /**
     * A batch and what each of its targets counts.
     *
     * @param weights of sum 1
     */
    record WeightedBatch(PackedBatch batch, double[] weights) {}

    /** Returns the next batch; a document that does not fit any more opens the one after. */
    WeightedBatch next(SeededRandom random) {
        PackedBatch.Builder batch = PackedBatch.builder();
        List<Double> weights = new ArrayList<>();
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
                return new WeightedBatch(batch.build(), normalized(weights));
            }
            add(batch, weights, document);
            rows += needed;
        }
    }

    private void add(PackedBatch.Builder batch, List<Double> weights, TokenizedDocument document) {
        int[] ids = document.ids();
        int[] inputs = Arrays.copyOf(ids, ids.length - 1);
        int segment = batch.segment(inputs);
        double text = document.skill() == Skill.HISTORY ? TITLE_SHARE * textWeight : textWeight;
        for (int i = 0; i < inputs.length; i++) {
            batch.target(batch.row(segment, i), ids[i + 1]);
            weights.add(document.answer()[i + 1] ? 1 : text);
        }
    }

    private static double[] normalized(List<Double> weights) {
        double sum = weights.stream().mapToDouble(Double::doubleValue).sum();
        return weights.stream().mapToDouble(weight -> weight / sum).toArray();
    }

    /**
     * A document as token ids.
     *
     * @param ids with the end-of-text token
     * @param answer which ids belong to an answer or end one
     */
    record TokenizedDocument(Skill skill, int[] ids, boolean[] answer) {}

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
        return new TokenizedDocument(document.skill(), ids, answer);
    }
}
