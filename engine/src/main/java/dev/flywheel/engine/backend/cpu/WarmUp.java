package dev.flywheel.engine.backend.cpu;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.AttentionShape;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import java.lang.foreign.MemorySegment;

/**
 * Calls every kernel on tiny inputs until the just-in-time compiler has seen enough of it.
 *
 * <p>Vector code runs thousands of times slower before it is compiled, so the first calls on real
 * shapes would take seconds. Shapes here are as small as the compiler's thresholds allow: 200 calls
 * until it counts, then 600 calls with 15,000 loop turns.
 */
final class WarmUp {
    private static final int ROUNDS = 1000;
    private static final int DEPTH = 24;
    private static final int DIM = 48;
    private static final int RANK = 8;
    private static final int VOCAB = 40;
    private static final int TOKENS = 13;
    private static final AttentionShape SHAPE = new AttentionShape(2, 1, 16, 0.25f, 0, 0);
    private static final Backend.AdamW ADAM = new Backend.AdamW(1e-3f, 0.9f, 0.999f, 1e-8f, 0);

    private final Backend backend;
    private final Stream s;
    private final Buffer x;
    private final Buffer y;
    private final Buffer z;
    private final Buffer logits;
    private final Buffer gradient;
    private final Buffer square;
    private final Buffer low;
    private final Buffer table;
    private final Buffer spans;
    private final Buffer index; // stays zero
    private final Buffer ids;
    private final Buffer frozen;

    private WarmUp(Backend backend) {
        this.backend = backend;
        this.s = backend.stream(Stream.Priority.SERVING);
        this.x = zeros(TOKENS * DIM);
        this.y = zeros(TOKENS * DIM);
        this.z = zeros(TOKENS * DIM);
        this.logits = zeros(TOKENS * VOCAB);
        this.gradient = zeros(TOKENS * VOCAB);
        this.square = zeros(DIM * DIM);
        this.low = zeros(DIM * RANK);
        this.table = zeros(VOCAB * DIM);
        this.spans = backend.allocate(DType.I32, TOKENS * 3);
        this.index = backend.allocate(DType.I32, TOKENS);
        this.ids = backend.allocate(DType.I32, TOKENS);
        this.frozen = backend.wrap(DType.BF16, MemorySegment.ofArray(new short[VOCAB * DIM]));
    }

    static void run(Backend backend) {
        multiply();
        WarmUp warmUp = new WarmUp(backend);
        for (int round = 0; round < ROUNDS; round++) {
            int rows = new int[] {1, 6, TOKENS}[round % 3];
            warmUp.forward(rows);
            warmUp.backward(rows);
        }
    }

    /** The tiles that the rounds would reach too seldom: they are chosen by the rows left over. */
    private static void multiply() {
        float[] panel = new float[DEPTH * 2 * Microkernels.W];
        float[] tile = new float[12 * 2 * Microkernels.W];
        for (int round = 0; round < ROUNDS; round++) {
            for (int rows = 4; rows <= Microkernels.ROWS_MAX; rows += 4) {
                Microkernels.multiply(rows, 1, panel, 0, panel, 0, DEPTH, tile);
                Microkernels.multiply(rows, 2, panel, 0, panel, 0, DEPTH, tile);
            }
        }
    }

    private Buffer zeros(int n) {
        return backend.allocate(DType.F32, n);
    }

    private void forward(int rows) {
        backend.embed(s, x, frozen, index, 1, rows, DIM);
        backend.rmsNorm(s, y, x, frozen, 1, 1, rows, DIM);
        backend.matmul(s, logits, y, frozen, 1, 0, rows, DIM, VOCAB);
        backend.matmul(s, z, y, square, 1, 1, rows, DIM, DIM);
        backend.loraShrink(s, z, y, low, index, rows, DIM, RANK);
        backend.loraExpand(s, y, z, low, low, index, rows, RANK, DIM);
        backend.rope(s, x, index, low, 1, false, rows, SHAPE.heads(), SHAPE.headDim());
        backend.storeKv(s, y, z, x, x, index, rows, SHAPE.kvDim());
        backend.attendPaged(s, y, x, z, z, index, index, index, SHAPE, rows, 1, 16);
        backend.attendPacked(s, y, gradient, x, z, z, spans, index, SHAPE, rows);
        backend.gatedActivation(s, y, x, z, Activation.SILU, (long) rows * DIM);
        backend.argMax(s, ids, logits, rows, VOCAB);
        backend.logProb(s, gradient, logits, index, rows, VOCAB);
        backend.klDivergence(s, gradient, logits, logits, rows, VOCAB);
        backend.add(s, y, x, 1, (long) rows * DIM);
        backend.gatherRows(s, y, x, index, rows, DIM);
    }

    private void backward(int rows) {
        backend.logProbBackward(s, gradient, logits, index, x, rows, VOCAB);
        backend.klDivergenceBackward(s, gradient, logits, logits, x, rows, VOCAB);
        backend.matmulGradInput(s, y, gradient, frozen, 1, 0, rows, DIM, VOCAB);
        backend.matmulGradWeight(s, square, y, x, 1, 1, rows, DIM, DIM);
        backend.matmulGradWeight(s, low, y, x, 1, 1, rows, RANK, DIM);
        backend.matmulGradInput(s, z, y, low, 1, 0, rows, RANK, DIM);
        backend.gatedActivationBackward(s, y, z, x, x, x, Activation.SILU, (long) rows * DIM);
        backend.attendPackedBackward(s, y, z, z, x, x, gradient, x, x, x, spans, index, SHAPE,
                rows);
        backend.rmsNormBackward(s, y, z, x, x, frozen, 1, 1, rows, DIM);
        backend.embedBackward(s, table, x, index, 1, rows, DIM);
        backend.sumOfSquares(s, z, square, (long) DIM * DIM);
        backend.adamW(s, low, y, z, x, 1, ADAM, 1, (long) RANK * DIM);
        backend.fill(s, z, 0, (long) TOKENS * DIM);
        backend.fill(s, low, 0, (long) RANK * DIM);
    }
}
