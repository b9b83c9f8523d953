package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.engine.training.PackedBatch;
import java.util.Arrays;
import java.util.TreeSet;

/** Lays tokens out as rows of one batch; the rows that predict something go on the leash if asked. */
final class RowPacker {
    private final int vocabSize;
    private final boolean leashed;
    private final PackedBatch.Builder batch = PackedBatch.builder();
    private final TreeSet<Integer> predicting = new TreeSet<>();

    /**
     * @param leashed whether the batch is to measure the distance to the base; costs a pass over it
     */
    RowPacker(int vocabSize, boolean leashed) {
        this.vocabSize = vocabSize;
        this.leashed = leashed;
    }

    int rows() {
        return batch.rows();
    }

    /** Adds a segment that sees only itself; returns its index. */
    int root(int[] ids) {
        requireTokens(ids);
        return batch.segment(ids);
    }

    /** Adds a segment that also sees its parent's rows; returns its index. */
    int child(int parent, int[] ids) {
        requireTokens(ids);
        return batch.child(parent, ids);
    }

    int lastRow(int segment) {
        return batch.lastRow(segment);
    }

    void target(int row, int token) {
        requireTokens(token);
        batch.target(row, token);
        predicting.add(row);
    }

    /** Adds tokens that follow a segment, each predicted from the one before; the last has no row. */
    void continuation(int parent, int[] ids) {
        target(lastRow(parent), ids[0]);
        if (ids.length > 1) {
            int segment = child(parent, Arrays.copyOf(ids, ids.length - 1));
            for (int i = 1; i < ids.length; i++) {
                target(batch.row(segment, i - 1), ids[i]);
            }
        }
    }

    /** Adds a text whose answer's rows are on the leash without predicting a token. */
    void anchor(Anchor anchor) {
        int prompt = root(anchor.promptIds());
        predicting.add(lastRow(prompt));
        int[] answer = anchor.answerIds();
        if (answer.length > 1) {
            int segment = child(prompt, Arrays.copyOf(answer, answer.length - 1));
            for (int i = 0; i < answer.length - 1; i++) {
                predicting.add(batch.row(segment, i));
            }
        }
    }

    PackedBatch pack() {
        if (leashed) {
            predicting.forEach(batch::leash);
        }
        return batch.build();
    }

    private void requireTokens(int... ids) {
        for (int id : ids) {
            if (id < 0 || id >= vocabSize) {
                throw new UntrainableException(
                        UntrainableReason.UNTRAINABLE_REASON_UNKNOWN_TOKEN,
                        "token id "
                                + id
                                + " is outside the model's vocabulary [0, "
                                + vocabSize
                                + ")");
            }
        }
    }
}
