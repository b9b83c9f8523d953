package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.AttentionRun.PANEL;
import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.ROWS_MAX;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import dev.flywheel.engine.backend.AttentionShape;
import dev.flywheel.engine.backend.cpu.Workspace.Purpose;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * The gradient of packed attention, again as products of small matrices.
 *
 * <p>With s the capped scores, p = e^(s - logSumExp) and d = sum of p (dOut . v) of each query: dv += p
 * dOut; ds = p (dOut . v - d), times 1 - (s / cap)^2 when capped, times scale; dq += ds k; dk += ds q. That
 * d is dOut . out too, but summed from the very products it is taken from: where a query sees one token, ds
 * is then zero, not a rounding error that an optimizer without a scale of its own would take for a slope.
 * Queries are taken in blocks of a fixed number, in order, so each gradient is one sum in one order.
 * Key heads are independent of each other and may run on different threads.
 */
final class CpuAttentionGradient {
    /** Queries whose scores are held at a time. */
    private static final int BLOCK = 8 * ROWS_MAX;

    private CpuAttentionGradient() {}

    /** Buffers of one call, beside those of the forward call. */
    record Gradients(CpuBuffer dq, CpuBuffer dk, CpuBuffer dv, CpuBuffer dOut) {}

    static void backward(Workers workers, CpuStream stream, CpuAttention.Call call,
            Gradients gradients, List<AttentionRun> runs) {
        workers.run(stream, call.shape().kvHeads(), (kvHead, workspace) -> {
            for (AttentionRun run : runs) {
                new Head(call, gradients, run, kvHead, workspace).backward();
            }
        });
    }

    /** One key head of one run. */
    private static final class Head {
        private final CpuAttention.Call call;
        private final Gradients gradients;
        private final AttentionRun run;
        private final int kvHead;
        private final Workspace w;
        private final AttentionShape shape;
        private final int dim;
        private final int width;
        private final int stride; // tokens of the run in whole panels
        private final float[] scores; // [BLOCK, stride]: s, then p
        private final float[] slopes; // [BLOCK, stride]: dOut . v, then ds
        private final float[] capSlopes; // [stride]: 1 - (s / cap)^2 of the row at hand
        private final float[] ones = new float[ROWS_MAX];

        private Head(CpuAttention.Call call, Gradients gradients, AttentionRun run, int kvHead,
                Workspace w) {
            this.call = call;
            this.gradients = gradients;
            this.run = run;
            this.kvHead = kvHead;
            this.w = w;
            this.shape = call.shape();
            this.dim = shape.headDim();
            this.width = HeadPanels.columnWidth(dim);
            this.stride = (run.tokens() + PANEL - 1) / PANEL * PANEL;
            this.scores = w.floats(Purpose.SCORES, (long) BLOCK * stride);
            this.slopes = w.floats(Purpose.SCORE_GRADIENTS, (long) BLOCK * stride);
            this.capSlopes = w.floats(Purpose.CAP_SLOPES, stride);
            Arrays.fill(ones, 1);
        }

        private void backward() {
            int start = kvHead * dim;
            float[] keysByToken = w.floats(Purpose.KEYS_BY_TOKEN,
                    (long) stride * dim + Packing.SLACK);
            float[] valuesByToken = w.floats(Purpose.VALUES_BY_TOKEN,
                    (long) stride * dim + Packing.SLACK);
            float[] keysByColumn = w.floats(Purpose.KEYS_BY_COLUMN, columnFloats(stride));
            float[] k = call.k().floats();
            float[] v = call.v().floats();
            HeadPanels.byToken(k, call.k().base() + start, run, 0, dim, keysByToken);
            HeadPanels.byToken(v, call.v().base() + start, run, 0, dim, valuesByToken);
            HeadPanels.byColumn(k, call.k().base() + start, run.offsets(), 0, run.tokens(), stride,
                    dim, keysByColumn);
            int queries = run.rows() * call.group();
            for (int first = 0; first < queries; first += BLOCK) {
                block(first, Math.min(BLOCK, queries - first), keysByToken, valuesByToken,
                        keysByColumn);
            }
        }

        private long columnFloats(int rows) {
            return (long) HeadPanels.columnPanels(dim) * width * rows + Packing.SLACK;
        }

        private void block(int first, int count, float[] keysByToken, float[] valuesByToken,
                float[] keysByColumn) {
            int from = Integer.MAX_VALUE;
            int to = 0;
            int[] offsets = new int[count + ROWS_MAX + W];
            for (int m = 0; m < offsets.length; m++) {
                int query = first + Math.min(m, count - 1);
                offsets[m] = call.queryOffset(run, kvHead, query);
                from = Math.min(from, run.from()[query / call.group()]);
                to = Math.max(to, run.to()[query / call.group()]);
            }
            int panelFrom = from / PANEL;
            int panelTo = (to + PANEL - 1) / PANEL;
            for (int m = 0; m < count; m += ROWS_MAX) {
                tileScores(m, Math.min(ROWS_MAX, count - m), offsets, keysByToken, valuesByToken,
                        panelFrom, panelTo);
            }
            for (int m = 0; m < count; m++) {
                scoreGradient(first + m, m, panelFrom * PANEL, panelTo * PANEL);
            }
            for (int m = 0; m < count; m += ROWS_MAX) {
                addQueryGradient(m, Math.min(ROWS_MAX, count - m), offsets, keysByColumn,
                        panelFrom * PANEL, to);
            }
            addTokenGradients(count, offsets, from, to);
        }

        /** scores = q . k, scaled and capped; slopes = dOut . v. */
        private void tileScores(int m, int count, int[] offsets, float[] keysByToken,
                float[] valuesByToken, int panelFrom, int panelTo) {
            int rows = Microkernels.kernelRows(count);
            float[] left = w.floats(Purpose.LEFT_PANELS,
                    (long) ROWS_MAX * Math.max(dim, Math.max(stride, BLOCK)) + Packing.SLACK);
            Packing.rows(call.q().floats(), call.q().base(), offsets, m, dim, left, 0, rows);
            CpuBuffer dOut = gradients.dOut();
            for (int p = panelFrom; p < panelTo; p++) {
                Microkernels.multiply(rows, 2, left, 0, keysByToken, p * dim * PANEL, dim, w.tile);
                copyTile(scores, m, count, p, shape.scale());
            }
            Packing.rows(dOut.floats(), dOut.base(), offsets, m, dim, left, 0, rows);
            for (int p = panelFrom; p < panelTo; p++) {
                Microkernels.multiply(rows, 2, left, 0, valuesByToken, p * dim * PANEL, dim,
                        w.tile);
                copyTile(slopes, m, count, p, 1);
            }
        }

        private void copyTile(float[] to, int m, int count, int panel, float scale) {
            for (int i = 0; i < count; i++) {
                CpuElements.scale(to, (m + i) * stride + panel * PANEL, w.tile, i * PANEL, scale,
                        PANEL);
            }
        }

        /** Turns row m of scores into p and of slopes into scaled ds; zero where it sees nothing. */
        private void scoreGradient(int query, int m, int begin, int end) {
            int row = query / call.group();
            CpuBuffer lses = Objects.requireNonNull(call.logSumExp());
            float lse = lses.floats()[lses.base() + (run.firstRow() + row) * shape.heads()
                    + call.headOf(kvHead, query)];
            int from = run.from()[row];
            int to = run.to()[row];
            float d = probabilities(m * stride, begin, end, from, to, lse);
            slopes(m * stride, begin, end, from, to, d);
        }

        /** scores = p; returns d. */
        private float probabilities(int at, int begin, int end, int from, int to, float lse) {
            FloatVector zero = FloatVector.zero(LANES);
            FloatVector d = zero;
            for (int t = begin; t < end; t += W) {
                FloatVector s = FloatVector.fromArray(LANES, scores, at + t);
                if (shape.softCap() != 0) {
                    s = CpuElements.softCap(s, shape.softCap());
                    FloatVector ratio = s.div(shape.softCap());
                    ratio.mul(ratio).neg().add(1).intoArray(capSlopes, t);
                }
                FloatVector p = VectorMath.exp(s.sub(lse));
                FloatVector product = p.mul(FloatVector.fromArray(LANES, slopes, at + t));
                if (!CpuAttention.isSeen(t, from, to)) {
                    VectorMask<Float> seen = CpuAttention.seen(t, from, to);
                    p = zero.blend(p, seen);
                    product = zero.blend(product, seen);
                }
                p.intoArray(scores, at + t);
                d = d.add(product);
            }
            return VectorMath.sum(d, w.lanes);
        }

        /** slopes = scaled ds, from p in scores. */
        private void slopes(int at, int begin, int end, int from, int to, float d) {
            FloatVector zero = FloatVector.zero(LANES);
            for (int t = begin; t < end; t += W) {
                FloatVector slope = FloatVector.fromArray(LANES, slopes, at + t)
                        .sub(d)
                        .mul(shape.scale());
                if (shape.softCap() != 0) {
                    slope = slope.mul(FloatVector.fromArray(LANES, capSlopes, t));
                }
                FloatVector ds = slope.mul(FloatVector.fromArray(LANES, scores, at + t));
                if (!CpuAttention.isSeen(t, from, to)) {
                    ds = zero.blend(ds, CpuAttention.seen(t, from, to));
                }
                ds.intoArray(slopes, at + t);
            }
        }

        /** dq[m] += sum over tokens of ds[m, t] * k[t]. */
        private void addQueryGradient(int m, int count, int[] offsets, float[] keysByColumn,
                int begin, int end) {
            int rows = Microkernels.kernelRows(count);
            float[] left = w.floats(Purpose.LEFT_PANELS, (long) ROWS_MAX * stride + Packing.SLACK);
            int[] slopeRows = w.offsets(ROWS_MAX + W);
            int[] outRows = new int[count];
            for (int i = 0; i < rows + W; i++) {
                slopeRows[i] = (m + Math.min(i, count - 1)) * stride;
            }
            System.arraycopy(offsets, m, outRows, 0, count);
            Packing.rows(slopes, begin, slopeRows, 0, end - begin, left, 0, rows);
            CpuBuffer dq = gradients.dq();
            for (int c = 0; c < HeadPanels.columnPanels(dim); c++) {
                Microkernels.multiply(rows, width / W, left, 0, keysByColumn,
                        (c * stride + begin) * width, end - begin, w.tile);
                HeadPanels.store(w.tile, width, count, Math.min(width, dim - c * width),
                        dq.floats(), dq.base() + c * width, outRows, ones, true);
            }
        }

        /** dk[t] += sum over the block of ds[m, t] * q[m]; dv[t] += of p[m, t] * dOut[m]. */
        private void addTokenGradients(int count, int[] offsets, int from, int to) {
            float[] queries = w.floats(Purpose.QUERIES, columnFloats(BLOCK));
            float[] dOuts = w.floats(Purpose.OUTPUT_GRADIENTS, columnFloats(BLOCK));
            CpuBuffer dOut = gradients.dOut();
            HeadPanels.byColumn(call.q().floats(), call.q().base(), offsets, 0, count, BLOCK, dim,
                    queries);
            HeadPanels.byColumn(dOut.floats(), dOut.base(), offsets, 0, count, BLOCK, dim, dOuts);
            for (int t = from; t < to; t += ROWS_MAX) {
                int tokens = Math.min(ROWS_MAX, to - t);
                addTokenGradient(slopes, queries, count, t, tokens, gradients.dk());
                addTokenGradient(scores, dOuts, count, t, tokens, gradients.dv());
            }
        }

        private void addTokenGradient(float[] weights, float[] rightPanels, int count, int token,
                int tokens, CpuBuffer gradient) {
            int rows = Microkernels.kernelRows(tokens);
            float[] left = w.floats(Purpose.LEFT_PANELS,
                    (long) ROWS_MAX * BLOCK + Packing.SLACK);
            Packing.columns(weights, token, stride, tokens, count, rows, left, 0);
            int[] outRows = w.offsets(ROWS_MAX);
            System.arraycopy(run.offsets(), token, outRows, 0, tokens);
            for (int c = 0; c < HeadPanels.columnPanels(dim); c++) {
                Microkernels.multiply(rows, width / W, left, 0, rightPanels, c * BLOCK * width,
                        count, w.tile);
                HeadPanels.store(w.tile, width, tokens, Math.min(width, dim - c * width),
                        gradient.floats(), gradient.base() + kvHead * dim + c * width, outRows,
                        ones, true);
            }
        }
    }
}
