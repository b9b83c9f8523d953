package dev.flywheel.engine.backend;

import static dev.flywheel.engine.backend.Device.indices;
import static dev.flywheel.engine.backend.Device.normal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Every kernel of the list, with seeded inputs of many shapes. */
final class KernelCases {
    private static final DType[] WEIGHTS = {
        DType.F32, DType.BF16, DType.F16, DType.Q8, DType.Q4};

    /** Rows, in, out; the last two are past what is packed, copied or computed at once. */
    private static final int[][] MATRICES = {{1, 1, 1}, {1, 128, 128}, {2, 7, 5}, {3, 16, 8},
        {5, 33, 17}, {12, 128, 32}, {13, 160, 48}, {31, 8, 128}, {64, 160, 96}, {65, 300, 20},
        {250, 512, 40}, {2, 1024, 2100}};
    private static final AttentionShape[] ATTENTIONS = {
        new AttentionShape(2, 2, 16, 0.25f, 0, 0),
        new AttentionShape(4, 2, 32, 0.18f, 0, 0),
        new AttentionShape(4, 1, 24, 0.2f, 7, 0),
        new AttentionShape(6, 3, 80, 0.11f, 0, 3),
        new AttentionShape(2, 1, 6, 0.4f, 1, 0),
        new AttentionShape(3, 3, 18, 0.25f, 33, 0),
        new AttentionShape(4, 2, 8, 0.3f, 5, 2)};
    private static final int[][] ROWS = {{1, 1}, {1, 128}, {3, 17}, {7, 64}, {4, 2048}, {9, 33}};

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        KernelCases made = new KernelCases();
        made.matrices();
        made.adapters();
        made.norms();
        made.rows();
        made.elements();
        made.softmaxes();
        made.attentions();
        return made.cases;
    }

    private void add(String name, double tolerance, Function<Device, List<Buffer>> run) {
        cases.add(new KernelCase(name, tolerance, run));
    }

    private void matrices() {
        for (int[] shape : MATRICES) {
            int rows = shape[0];
            int in = shape[1];
            int out = shape[2];
            String name = " [" + rows + ", " + in + ", " + out + "]";
            boolean large = (long) rows * in * out > 1 << 24; // slow on the reference
            for (DType type : large
                    ? new DType[] {DType.BF16, DType.Q4}
                    : WEIGHTS) {
                add("matmul " + type + name, 1e-5, d -> {
                    Buffer y = d.f32(normal(1, rows * out));
                    Buffer x = d.f32(normal(2, rows * in));
                    Buffer w = d.wrapped(type, normal(3, out * in));
                    d.backend.matmul(d.stream, y, x, w, 0.5f, -2, rows, in, out);
                    return List.of(y);
                });
                add("matmulGradInput " + type + name, 1e-5, d -> {
                    Buffer dx = d.f32(normal(1, rows * in));
                    Buffer dy = d.f32(normal(2, rows * out));
                    Buffer w = d.wrapped(type, normal(3, out * in));
                    d.backend.matmulGradInput(d.stream, dx, dy, w, 1, 1, rows, in, out);
                    return List.of(dx);
                });
            }
            add("matmul over what was never written" + name, 1e-5, d -> {
                float[] nothing = new float[rows * out];
                Arrays.fill(nothing, Float.NaN);
                Buffer y = d.f32(nothing);
                Buffer x = d.f32(normal(2, rows * in));
                Buffer w = d.f32(normal(3, out * in));
                d.backend.matmul(d.stream, y, x, w, 1, 0, rows, in, out);
                return List.of(y);
            });
            add("matmulGradWeight" + name, 1e-5, d -> {
                Buffer dw = d.f32(normal(1, out * in));
                Buffer dy = d.f32(normal(2, rows * out));
                Buffer x = d.f32(normal(3, rows * in));
                d.backend.matmulGradWeight(d.stream, dw, dy, x, 0.1f, 1, rows, in, out);
                return List.of(dw);
            });
        }
    }

    private void adapters() {
        int slots = 3;
        int[] rowSlots = {0, 0, -1, 2, 1, 1, 1, -1, 0, 2};
        int rows = rowSlots.length;
        for (int[] shape : new int[][] {{128, 8, 96}, {33, 16, 7}, {64, 24, 160}}) {
            int in = shape[0];
            int rank = shape[1];
            int out = shape[2];
            add("loraShrink [" + in + ", " + rank + "]", 1e-5, d -> {
                Buffer to = d.f32(normal(1, rows * rank));
                d.backend.loraShrink(d.stream, to, d.f32(normal(2, rows * in)),
                        d.f32(normal(3, slots * rank * in)), d.i32(rowSlots), rows, in, rank);
                return List.of(to);
            });
            add("loraExpand [" + rank + ", " + out + "]", 1e-5, d -> {
                Buffer y = d.f32(normal(1, rows * out));
                d.backend.loraExpand(d.stream, y, d.f32(normal(2, rows * rank)),
                        d.f32(normal(3, slots * out * rank)), d.f32(2, 0.5f, -1),
                        d.i32(rowSlots), rows, rank, out);
                return List.of(y);
            });
        }
    }

    private void norms() {
        for (int[] shape : ROWS) {
            int rows = shape[0];
            int dim = shape[1];
            String name = " [" + rows + ", " + dim + "]";
            for (DType type : new DType[] {DType.F32, DType.BF16}) {
                add("rmsNorm " + type + name, 1e-5, d -> {
                    Buffer x = d.f32(normal(2, rows * dim));
                    d.backend.rmsNorm(d.stream, x, x, d.wrapped(type, normal(3, dim)), 1, 1e-5f,
                            rows, dim);
                    return List.of(x);
                });
                add("rmsNormBackward " + type + name, 1e-5, d -> {
                    Buffer dx = d.f32(normal(1, rows * dim));
                    Buffer dw = d.f32(normal(2, dim));
                    d.backend.rmsNormBackward(d.stream, dx, dw, d.f32(normal(3, rows * dim)),
                            d.f32(normal(4, rows * dim)), d.wrapped(type, normal(5, dim)), 0,
                            1e-5f, rows, dim);
                    return List.of(dx, dw);
                });
            }
        }
    }

    private void rows() {
        for (int[] shape : ROWS) {
            int rows = shape[0];
            int dim = shape[1];
            String name = " [" + rows + ", " + dim + "]";
            int[] index = indices(9, rows, 5);
            add("gatherRows" + name, 0, d -> {
                Buffer out = d.f32(normal(1, rows * dim));
                d.backend.gatherRows(d.stream, out, d.f32(normal(2, 5 * dim)), d.i32(index), rows,
                        dim);
                return List.of(out);
            });
            add("scatterAddRows" + name, 1e-6, d -> {
                Buffer out = d.f32(normal(1, 5 * dim));
                Buffer plain = d.f32(normal(1, 5 * dim));
                Buffer x = d.f32(normal(2, rows * dim));
                d.backend.scatterAddRows(d.stream, out, x, d.i32(index), d.f32(normal(3, rows)),
                        rows, dim);
                d.backend.scatterAddRows(d.stream, plain, x, d.i32(index), null, rows, dim);
                return List.of(out, plain);
            });
            for (DType type : WEIGHTS) {
                add("embed " + type + name, 1e-6, d -> {
                    Buffer out = d.f32(normal(1, rows * dim));
                    d.backend.embed(d.stream, out, d.wrapped(type, normal(2, 5 * dim)),
                            d.i32(index), 1.5f, rows, dim);
                    return List.of(out);
                });
                add("addBias " + type + name, 1e-6, d -> {
                    Buffer x = d.f32(normal(1, rows * dim));
                    d.backend.addBias(d.stream, x, d.wrapped(type, normal(2, dim)), rows, dim);
                    return List.of(x);
                });
            }
            add("embedBackward" + name, 1e-6, d -> {
                Buffer dTable = d.f32(normal(1, 5 * dim));
                d.backend.embedBackward(d.stream, dTable, d.f32(normal(2, rows * dim)),
                        d.i32(index), 0.7f, rows, dim);
                return List.of(dTable);
            });
            add("addBiasBackward" + name, 1e-6, d -> {
                Buffer dBias = d.f32(normal(1, dim));
                d.backend.addBiasBackward(d.stream, dBias, d.f32(normal(2, rows * dim)), rows,
                        dim);
                return List.of(dBias);
            });
        }
        for (int headDim : new int[] {2, 8, 32, 48, 128}) {
            for (boolean inverse : new boolean[] {false, true}) {
                add("rope headDim " + headDim + (inverse ? " inverse" : ""), 1e-6, d -> {
                    float[] frequencies = new float[headDim / 2];
                    for (int i = 0; i < frequencies.length; i++) {
                        frequencies[i] = (float) Math.pow(10000, -2.0 * i / headDim);
                    }
                    Buffer x = d.f32(normal(1, 4 * 3 * headDim));
                    d.backend.rope(d.stream, x, d.i32(0, 1, 77, 70000), d.f32(frequencies), 1.25f,
                            inverse, 4, 3, headDim);
                    return List.of(x);
                });
            }
        }
        add("storeKv", 0, d -> {
            Buffer keys = d.f32(normal(1, 8 * 6));
            Buffer values = d.f32(normal(2, 8 * 6));
            d.backend.storeKv(d.stream, keys, values, d.f32(normal(3, 18)), d.f32(normal(4, 18)),
                    d.i32(7, 0, 3), 3, 6);
            return List.of(keys, values);
        });
    }

    private void elements() {
        for (int n : new int[] {1, 15, 16, 17, 100, 1000}) {
            for (Activation activation : Activation.values()) {
                add("gatedActivation " + activation + " " + n, 2e-6, d -> {
                    Buffer gate = d.f32(spread(1, n));
                    d.backend.gatedActivation(d.stream, gate, gate, d.f32(normal(2, n)),
                            activation, n);
                    return List.of(gate);
                });
                add("gatedActivationBackward " + activation + " " + n, 4e-6, d -> {
                    Buffer dGate = d.f32(normal(1, n));
                    Buffer dUp = d.f32(normal(2, n));
                    d.backend.gatedActivationBackward(d.stream, dGate, dUp, d.f32(normal(3, n)),
                            d.f32(spread(4, n)), d.f32(normal(5, n)), activation, n);
                    return List.of(dGate, dUp);
                });
            }
            add("softCap and its gradient " + n, 4e-6, d -> {
                Buffer x = d.f32(spread(1, n));
                Buffer dx = d.f32(normal(2, n));
                d.backend.softCap(d.stream, x, 3, n);
                d.backend.softCapBackward(d.stream, dx, x, 3, n);
                return List.of(x, dx);
            });
            add("add, fill and sumOfSquares " + n, 1e-6, d -> {
                Buffer x = d.f32(normal(1, n));
                Buffer half = d.f32(normal(2, n));
                Buffer sum = d.f32(0);
                d.backend.add(d.stream, x, half, -1.5f, n);
                d.backend.sumOfSquares(d.stream, sum, x, n);
                d.backend.fill(d.stream, half, 3, n / 2);
                return List.of(x, half, sum);
            });
            add("adamW " + n, 2e-6, d -> {
                Buffer theta = d.f32(normal(1, n));
                Buffer m = d.f32(normal(2, n));
                Buffer v = d.f32(squares(3, n));
                Backend.AdamW settings = new Backend.AdamW(0.01f, 0.9f, 0.99f, 1e-8f, 0.1f);
                d.backend.adamW(d.stream, theta, m, v, d.f32(normal(4, n)), 0.5f, settings, 3, n);
                return List.of(theta, m, v);
            });
        }
    }

    private void softmaxes() {
        for (int[] shape : new int[][] {{1, 2}, {3, 17}, {5, 64}, {4, 2048}, {2, 5001}}) {
            int rows = shape[0];
            int vocab = shape[1];
            String name = " [" + rows + ", " + vocab + "]";
            int[] targets = indices(9, rows, vocab);
            add("argMax and logProb" + name, 3e-6, d -> {
                Buffer ids = d.i32(new int[rows]);
                Buffer out = d.f32(new float[rows]);
                Buffer logits = d.f32(spread(1, rows * vocab));
                d.backend.argMax(d.stream, ids, logits, rows, vocab);
                d.backend.logProb(d.stream, out, logits, d.i32(targets), rows, vocab);
                return List.of(ids, out);
            });
            add("logProbBackward" + name, 3e-6, d -> {
                Buffer dLogits = d.f32(normal(1, rows * vocab));
                d.backend.logProbBackward(d.stream, dLogits, d.f32(spread(2, rows * vocab)),
                        d.i32(targets), d.f32(normal(3, rows)), rows, vocab);
                return List.of(dLogits);
            });
            add("klDivergence and its gradient" + name, 3e-6, d -> {
                Buffer out = d.f32(new float[rows]);
                Buffer dLogits = d.f32(normal(1, rows * vocab));
                Buffer logits = d.f32(normal(2, rows * vocab));
                Buffer reference = d.f32(normal(3, rows * vocab));
                d.backend.klDivergence(d.stream, out, logits, reference, rows, vocab);
                d.backend.klDivergenceBackward(d.stream, dLogits, logits, reference,
                        d.f32(normal(4, rows)), rows, vocab);
                return List.of(out, dLogits);
            });
        }
        for (boolean normalize : new boolean[] {false, true}) {
            add("routeExperts" + (normalize ? " normalized" : ""), 2e-6, d -> {
                Buffer ids = d.i32(new int[3 * 2]);
                Buffer weights = d.f32(new float[3 * 2]);
                float[] logits = normal(1, 3 * 8);
                logits[3] = 5;
                logits[6] = 5; // a tie: 3 comes first
                d.backend.routeExperts(d.stream, ids, weights, d.f32(logits), normalize, 3, 8, 2);
                return List.of(ids, weights);
            });
        }
    }

    private void attentions() {
        for (AttentionShape shape : ATTENTIONS) {
            add("attendPaged " + shape, 5e-6, d -> paged(d, shape));
            add("attendPacked " + shape, 5e-6, d -> packed(d, shape, false));
            add("attendPackedBackward " + shape, 2e-5, d -> packed(d, shape, true));
        }
    }

    /** Three sequences over blocks of 4: a prefill chunk, a decode step, and one that shares. */
    private static List<Buffer> paged(Device d, AttentionShape shape) {
        int[] sequences = {0, 0, 0, 0, 0, 1, 2, 2};
        int[] positions = {3, 4, 5, 6, 7, 44, 4, 5};
        int[] tables = new int[3 * 12];
        for (int i = 0; i < 12; i++) {
            tables[i] = 30 - i;
            tables[12 + i] = i;
            tables[24 + i] = i == 0 ? 30 : 15 + i; // block 0 is shared with sequence 0
        }
        int rows = sequences.length;
        int tokens = 31 * 4;
        Buffer out = d.f32(normal(1, rows * shape.queryDim()));
        d.backend.attendPaged(d.stream, out, d.f32(normal(2, rows * shape.queryDim())),
                d.f32(normal(3, tokens * shape.kvDim())), d.f32(normal(4, tokens * shape.kvDim())),
                d.i32(sequences), d.i32(positions), d.i32(tables), shape, rows, 12, 4);
        return List.of(out);
    }

    /** A prompt of 40 rows, two children that see it, and a segment of its own. */
    private static List<Buffer> packed(Device d, AttentionShape shape, boolean backward) {
        int[][] segments = {{0, 40, 0, 0}, {40, 9, 0, 40}, {49, 5, 0, 40}, {54, 3, 0, 0}};
        int rows = 57;
        int[] spans = new int[rows * 3];
        int[] positions = new int[rows];
        for (int[] segment : segments) {
            for (int r = segment[0]; r < segment[0] + segment[1]; r++) {
                spans[r * 3] = segment[2];
                spans[r * 3 + 1] = segment[3];
                spans[r * 3 + 2] = segment[0];
                positions[r] = segment[3] - segment[2] + r - segment[0];
            }
        }
        int n = rows * shape.queryDim();
        int kv = rows * shape.kvDim();
        Buffer out = d.f32(normal(1, n));
        Buffer lse = d.f32(normal(2, rows * shape.heads()));
        Buffer q = d.f32(normal(3, n));
        Buffer k = d.f32(normal(4, kv));
        Buffer v = d.f32(normal(5, kv));
        Buffer span = d.i32(spans);
        Buffer position = d.i32(positions);
        d.backend.attendPacked(d.stream, out, lse, q, k, v, span, position, shape, rows);
        if (!backward) {
            return List.of(out, lse);
        }
        Buffer dq = d.f32(normal(6, n));
        Buffer dk = d.f32(normal(7, kv));
        Buffer dv = d.f32(normal(8, kv));
        d.backend.attendPackedBackward(d.stream, dq, dk, dv, d.f32(normal(9, n)), out, lse, q, k,
                v, span, position, shape, rows);
        return List.of(dq, dk, dv);
    }

    /** Values from tiny to far beyond where exp and tanh saturate. */
    private static float[] spread(int seed, int n) {
        float[] values = normal(seed, n);
        for (int i = 0; i < n; i++) {
            values[i] *= new float[] {0.001f, 0.3f, 1, 4, 40}[i % 5];
        }
        return values;
    }

    private static float[] squares(int seed, int n) {
        float[] values = normal(seed, n);
        for (int i = 0; i < n; i++) {
            values[i] *= values[i];
        }
        return values;
    }
}
