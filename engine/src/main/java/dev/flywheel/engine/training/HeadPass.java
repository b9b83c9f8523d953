package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import dev.flywheel.engine.staging.StagedFloats;
import dev.flywheel.engine.staging.StagedInts;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The final norm and the output head over the wanted rows of a batch, forward and backward, in chunks
 * so that logits take bounded memory.
 *
 * <p>If all wanted rows fit one chunk their logits are kept for the backward pass; else they are
 * computed again. Each chunk is one unit of work. Not thread-safe.
 */
final class HeadPass implements AutoCloseable {
    /** Bounds the memory for a chunk's logits: rows times vocabulary. */
    static final int LOGITS_ELEMENTS = 1 << 22;
    private static final int CHUNK_ROWS_MIN = 16;

    private final Backend backend;
    private final ModelSpec spec;
    private final ModelWeights weights;
    private final Consumer<Consumer<Stream>> unit;
    private final int rowsMax;
    private final int chunkRows;
    private final StagedInts index;
    private final StagedInts tokens;
    private final StagedFloats numbers;
    private final Buffer gathered;
    private final Buffer normed;
    private final Buffer dGathered;
    private final Buffer dNormed;
    private final Buffer logits;
    private final Buffer dLogits;
    /** The base's normed rows of this batch, null without a leash; not ours. */
    private @Nullable Buffer reference;
    /** Its logits; allocated when a leash is first asked for. */
    private @Nullable Buffer referenceLogits;

    private WantedTokens wanted = WantedTokens.NOTHING;
    private double[] leash = {};

    /**
     * @param logitsElements bound on a chunk's rows times vocabulary, {@link #LOGITS_ELEMENTS} but in tests
     * @param unit runs a piece of work as one unit on the training stream
     */
    HeadPass(
            Backend backend, ModelSpec spec, ModelWeights weights, int rowsMax,
            int logitsElements, Consumer<Consumer<Stream>> unit) {
        this.backend = backend;
        this.spec = spec;
        this.weights = weights;
        this.unit = unit;
        this.rowsMax = rowsMax;
        this.chunkRows = Math.min(
                rowsMax, Math.max(CHUNK_ROWS_MIN, logitsElements / spec.vocabSize()));
        this.index = new StagedInts(backend, rowsMax);
        this.tokens = new StagedInts(backend, chunkRows);
        this.numbers = new StagedFloats(backend, chunkRows);
        this.gathered = floats(chunkRows, spec.hiddenSize());
        this.normed = floats(chunkRows, spec.hiddenSize());
        this.dGathered = floats(chunkRows, spec.hiddenSize());
        this.dNormed = floats(chunkRows, spec.hiddenSize());
        this.logits = floats(chunkRows, spec.vocabSize());
        this.dLogits = floats(chunkRows, spec.vocabSize());
    }

    /** Turns to a batch; forgets the base's rows of another one. */
    void begin(Stream s, PackedBatch batch) {
        wanted = new WantedTokens(batch);
        for (int i = 0; i < wanted.count(); i++) {
            index.set(i, wanted.row(i));
        }
        if (wanted.count() > 0) {
            index.upload(s, wanted.count());
        }
        leash = new double[batch.leashRows().length];
        reference = null;
    }

    /** Returns a buffer for {@link #keepReference}; the caller closes it. */
    Buffer allocateReference() {
        return floats(rowsMax, spec.hiddenSize());
    }

    /** Leashes the batch to the base, whose wanted rows were kept in {@code rows} before. */
    void useReference(Buffer rows) {
        reference = rows;
    }

    /** Keeps the wanted rows of the base's pass in {@code rows} and leashes the batch to them. */
    void keepReference(Stream s, Buffer hidden, Buffer rows) {
        backend.gatherRows(s, rows, hidden, index.buffer(), wanted.count(), spec.hiddenSize());
        norm(s, rows, rows, wanted.count());
        reference = rows;
    }

    /** Returns log p of each target; computes the leash where the base's rows were kept. */
    double[] forward(Buffer hidden) {
        double[] logProbs = new double[wanted.targets()];
        for (int from = 0; from < wanted.count(); from += chunkRows) {
            int chunk = from;
            unit.accept(s -> forwardChunk(s, hidden, chunk, logProbs));
        }
        return logProbs;
    }

    /** Returns the divergence at each leash row, of the last forward call. */
    double[] leash() {
        return leash.clone();
    }

    /**
     * Adds the gradient of the wanted rows to {@code dHidden}.
     *
     * @param gradients of the base's weights, or null if they are frozen
     */
    void backward(
            Buffer hidden, double[] coefficients, double[] leashCoefficients, Buffer dHidden,
            @Nullable ModelWeights gradients) {
        boolean kept = wanted.count() <= chunkRows;
        for (int from = 0; from < wanted.count(); from += chunkRows) {
            int chunk = from;
            unit.accept(s -> {
                if (!kept) {
                    computeLogits(s, hidden, chunk, rowsOf(chunk));
                }
                backwardChunk(s, chunk, coefficients, leashCoefficients, dHidden, gradients);
            });
        }
    }

    /** Both directions chunk by chunk, where the coefficients do not depend on the results. */
    double[] forwardBackward(
            Buffer hidden, double[] coefficients, Buffer dHidden, ModelWeights gradients) {
        double[] logProbs = new double[wanted.targets()];
        for (int from = 0; from < wanted.count(); from += chunkRows) {
            int chunk = from;
            unit.accept(s -> {
                forwardChunk(s, hidden, chunk, logProbs);
                backwardChunk(s, chunk, coefficients, new double[0], dHidden, gradients);
            });
        }
        return logProbs;
    }

    private int rowsOf(int from) {
        return Math.min(chunkRows, wanted.count() - from);
    }

    private void forwardChunk(Stream s, Buffer hidden, int from, double[] logProbs) {
        int rows = rowsOf(from);
        computeLogits(s, hidden, from, rows);
        for (int round = 0; round < wanted.rounds(); round++) {
            if (wanted.asks(round, from, from + rows)) {
                uploadTokens(s, round, from, rows);
                backend.logProb(
                        s, numbers.buffer(), logits, tokens.buffer(), rows, spec.vocabSize());
                numbers.download(s, rows);
                for (int i = 0; i < rows; i++) {
                    int target = wanted.target(round, from + i);
                    if (target != WantedTokens.NONE) {
                        logProbs[target] = numbers.get(i);
                    }
                }
            }
        }
        if (reference != null && wanted.leashes(from, from + rows)) {
            computeLeash(s, from, rows);
        }
    }

    private void computeLogits(Stream s, Buffer hidden, int from, int rows) {
        backend.gatherRows(
                s, gathered, hidden, index.buffer().slice(from, rows), rows, spec.hiddenSize());
        norm(s, normed, gathered, rows);
        head(s, logits, normed, rows);
        if (reference != null && wanted.leashes(from, from + rows)) {
            long hiddenSize = spec.hiddenSize();
            head(s, referenceLogits(),
                    reference.slice(from * hiddenSize, rows * hiddenSize), rows);
        }
    }

    private void computeLeash(Stream s, int from, int rows) {
        backend.klDivergence(
                s, numbers.buffer(), logits, referenceLogits(), rows, spec.vocabSize());
        numbers.download(s, rows);
        for (int i = 0; i < rows; i++) {
            int row = wanted.leash(from + i);
            if (row != WantedTokens.NONE) {
                leash[row] = numbers.get(i);
            }
        }
    }

    private void backwardChunk(
            Stream s, int from, double[] coefficients, double[] leashCoefficients, Buffer dHidden,
            @Nullable ModelWeights gradients) {
        int rows = rowsOf(from);
        int vocab = spec.vocabSize();
        int hiddenSize = spec.hiddenSize();
        logitGradients(s, from, rows, coefficients, leashCoefficients);
        backend.matmulGradInput(
                s, dNormed, dLogits, weights.head(), 1, 0, rows, hiddenSize, vocab);
        @Nullable Buffer dFinalNorm = null;
        if (gradients != null) {
            backend.matmulGradWeight(
                    s, gradients.head(), dLogits, normed, 1, 1, rows, hiddenSize, vocab);
            dFinalNorm = gradients.finalNorm();
        }
        backend.fill(s, dGathered, 0, (long) rows * hiddenSize);
        backend.rmsNormBackward(
                s, dGathered, dFinalNorm, dNormed, gathered, weights.finalNorm(),
                spec.family().normOffset(), spec.normEpsilon(), rows, hiddenSize);
        backend.scatterAddRows(
                s, dHidden, dGathered, index.buffer().slice(from, rows), null, rows, hiddenSize);
    }

    private void logitGradients(
            Stream s, int from, int rows, double[] coefficients, double[] leashCoefficients) {
        int vocab = spec.vocabSize();
        backend.fill(s, dLogits, 0, (long) rows * vocab);
        for (int round = 0; round < wanted.rounds(); round++) {
            if (wanted.asks(round, from, from + rows)) {
                uploadTokens(s, round, from, rows);
                for (int i = 0; i < rows; i++) {
                    int target = wanted.target(round, from + i);
                    numbers.set(i, target == WantedTokens.NONE ? 0 : (float) coefficients[target]);
                }
                backend.logProbBackward(
                        s, dLogits, logits, tokens.buffer(), numbers.upload(s, rows), rows, vocab);
            }
        }
        if (reference != null && wanted.leashes(from, from + rows)) {
            for (int i = 0; i < rows; i++) {
                int row = wanted.leash(from + i);
                numbers.set(i, row == WantedTokens.NONE ? 0 : (float) leashCoefficients[row]);
            }
            backend.klDivergenceBackward(
                    s, dLogits, logits, referenceLogits(), numbers.upload(s, rows), rows, vocab);
        }
        if (spec.logitCap() > 0) {
            backend.softCapBackward(s, dLogits, logits, spec.logitCap(), (long) rows * vocab);
        }
    }

    /** Uploads a round's tokens; rows that are not asked get token 0, whose result is not used. */
    private void uploadTokens(Stream s, int round, int from, int rows) {
        for (int i = 0; i < rows; i++) {
            int target = wanted.target(round, from + i);
            tokens.set(i, target == WantedTokens.NONE ? 0 : wanted.token(target));
        }
        tokens.upload(s, rows);
    }

    private void norm(Stream s, Buffer out, Buffer x, int rows) {
        backend.rmsNorm(
                s, out, x, weights.finalNorm(), spec.family().normOffset(), spec.normEpsilon(),
                rows, spec.hiddenSize());
    }

    private void head(Stream s, Buffer out, Buffer x, int rows) {
        backend.matmul(
                s, out, x, weights.head(), 1, 0, rows, spec.hiddenSize(), spec.vocabSize());
        if (spec.logitCap() > 0) {
            backend.softCap(s, out, spec.logitCap(), (long) rows * spec.vocabSize());
        }
    }

    private Buffer referenceLogits() {
        if (referenceLogits == null) {
            referenceLogits = floats(chunkRows, spec.vocabSize());
        }
        return referenceLogits;
    }

    private Buffer floats(int rows, int dim) {
        return backend.allocate(DType.F32, (long) rows * dim);
    }

    @Override
    public void close() {
        index.close();
        tokens.close();
        numbers.close();
        List.of(gathered, normed, dGathered, dNormed, logits, dLogits).forEach(Buffer::close);
        if (referenceLogits != null) {
            referenceLogits.close();
        }
    }
}
