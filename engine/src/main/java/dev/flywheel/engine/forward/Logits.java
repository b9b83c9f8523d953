package dev.flywheel.engine.forward;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Next-token scores of the wanted rows of one run, on the host, in order of chunks and tokens.
 *
 * <p>Valid until the next run of the same pass. Not thread-safe.
 */
public final class Logits {
    private final MemorySegment scores;
    private final int[] firstRows;
    private final int[] best;
    private final float[] bestLogProbs;
    private final int vocab;

    /**
     * @param best of each row the token with the largest score, the lowest of several
     * @param bestLogProbs the natural logarithms of their probabilities
     */
    Logits(MemorySegment scores, int[] firstRows, int[] best, float[] bestLogProbs, int vocab) {
        this.scores = scores;
        this.firstRows = firstRows;
        this.best = best;
        this.bestLogProbs = bestLogProbs;
        this.vocab = vocab;
    }

    /** Returns the number of wanted rows. */
    public int rows() {
        return best.length;
    }

    public int vocabSize() {
        return vocab;
    }

    /** Returns the first row of the chunk with this index; without wanted rows, the next chunk's. */
    public int firstRow(int chunk) {
        return firstRows[chunk];
    }

    public float logit(int row, int token) {
        checkRow(row);
        if (token < 0 || token >= vocab) {
            throw new IndexOutOfBoundsException("token " + token + " of " + vocab);
        }
        return at(row, token);
    }

    /** Returns the natural logarithm of the token's softmax probability. */
    public double logProb(int row, int token) {
        return logit(row, token) - logSum(row);
    }

    /** Returns the token with the largest score, the lowest of several. */
    public int argMax(int row) {
        checkRow(row);
        return best[row];
    }

    /** Returns a copy of the row's scores. */
    public float[] copyRow(int row) {
        checkRow(row);
        float[] copy = new float[vocab];
        MemorySegment.copy(scores, ValueLayout.JAVA_FLOAT, (long) row * vocab * Float.BYTES, copy,
                0, vocab);
        return copy;
    }

    private double logSum(int row) {
        return (double) at(row, best[row]) - bestLogProbs[row];
    }

    private float at(int row, int token) {
        return scores.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * vocab + token);
    }

    private void checkRow(int row) {
        if (row < 0 || row >= best.length) {
            throw new IndexOutOfBoundsException(
                    "row " + row + " of " + best.length + " wanted rows");
        }
    }
}
