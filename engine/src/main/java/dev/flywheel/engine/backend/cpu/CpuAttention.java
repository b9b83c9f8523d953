package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.AttentionRun.PANEL;
import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.ROWS_MAX;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import dev.flywheel.engine.backend.AttentionShape;
import dev.flywheel.engine.backend.cpu.Workspace.Purpose;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Attention as products of small matrices: scores of a tile of queries against panels of keys, a
 * softmax for each row, then the weights against panels of values.
 *
 * <p>The query heads that share a key head are rows of one product. A run whose first tokens lie
 * where those of the run before lie (sequences with a common prefix) reuses their packed panels. A
 * token that a row does not see has weight zero and changes no bit of its sums, so a row's result is
 * the same in any chunk.
 */
final class CpuAttention {
    private CpuAttention() {}

    /** Buffers of one call; logSumExp [rows, heads] is null where nobody needs it. */
    record Call(
            CpuBuffer out,
            @Nullable CpuBuffer logSumExp,
            CpuBuffer q,
            CpuBuffer k,
            CpuBuffer v,
            AttentionShape shape) {

        int group() {
            return shape.heads() / shape.kvHeads();
        }

        /** Returns where query m of a key head's group of rows lies, from the base of q. */
        int queryOffset(AttentionRun run, int kvHead, int m) {
            int row = run.firstRow() + m / group();
            return row * shape.queryDim() + headOf(kvHead, m) * shape.headDim();
        }

        int headOf(int kvHead, int m) {
            return kvHead * group() + m % group();
        }
    }

    static void forward(Workers workers, CpuStream stream, Call call, List<AttentionRun> runs) {
        int kvHeads = call.shape().kvHeads();
        int chunks = workers.threads() == 1 || isSmall(runs)
                ? 1
                : Math.min(runs.size(), (workers.threads() + kvHeads - 1) / kvHeads);
        int parts = chunks == 1 && isSmall(runs) ? 1 : kvHeads * chunks;
        if (parts == 1) {
            for (int head = 0; head < kvHeads; head++) {
                head(call, runs, head, stream.workspace(0));
            }
            return;
        }
        workers.run(stream, parts, (part, workspace) -> {
            int chunk = part / kvHeads;
            head(call, runs.subList(chunk * runs.size() / chunks,
                    (chunk + 1) * runs.size() / chunks), part % kvHeads, workspace);
        });
    }

    private static boolean isSmall(List<AttentionRun> runs) {
        long scores = 0;
        for (AttentionRun run : runs) {
            scores += (long) run.rows() * run.tokens();
        }
        return scores < 1 << 14;
    }

    private static void head(Call call, List<AttentionRun> runs, int kvHead, Workspace w) {
        AttentionShape shape = call.shape();
        int dim = shape.headDim();
        int tokensMax = 0;
        for (AttentionRun run : runs) {
            tokensMax = Math.max(tokensMax, (run.tokens() + PANEL - 1) / PANEL * PANEL);
        }
        int width = HeadPanels.columnWidth(dim);
        float[] keys = w.floats(Purpose.KEYS_BY_TOKEN, (long) tokensMax * dim + Packing.SLACK);
        float[] values = w.floats(Purpose.VALUES_BY_COLUMN,
                (long) HeadPanels.columnPanels(dim) * width * tokensMax + Packing.SLACK);
        AttentionRun before = null;
        for (AttentionRun run : runs) {
            int queries = run.rows() * call.group();
            int shared = before == null ? 0 : run.sharedTokens(before);
            if (queries <= FewQueries.MAX && dim % W == 0 && shared < run.tokens() / 2) {
                few(call, run, kvHead, queries, tokensMax, w);
                continue; // what is packed is still of the run before
            }
            HeadPanels.byToken(call.k().floats(), call.k().base() + kvHead * dim, run,
                    shared / PANEL, dim, keys);
            HeadPanels.byColumn(call.v().floats(), call.v().base() + kvHead * dim, run.offsets(),
                    shared, run.tokens(), tokensMax, dim, values);
            for (int m = 0; m < queries; m += ROWS_MAX) {
                tile(call, run, kvHead, m, Math.min(ROWS_MAX, queries - m), keys, values,
                        tokensMax, w);
            }
            before = run;
        }
    }

    /** Queries [first, first + count) of one key head. */
    private static void tile(Call call, AttentionRun run, int kvHead, int first, int count,
            float[] keys, float[] values, int tokensMax, Workspace w) {
        int dim = call.shape().headDim();
        int rows = Microkernels.kernelRows(count);
        int[] offsets = w.offsets(ROWS_MAX + W);
        int from = Integer.MAX_VALUE;
        int to = 0;
        for (int m = 0; m < rows + W; m++) {
            int query = first + Math.min(m, count - 1);
            offsets[m] = call.queryOffset(run, kvHead, query);
            from = Math.min(from, run.from()[query / call.group()]);
            to = Math.max(to, run.to()[query / call.group()]);
        }
        float[] left = w.floats(Purpose.LEFT_PANELS,
                (long) rows * Math.max(dim, tokensMax) + Packing.SLACK);
        Packing.rows(call.q().floats(), call.q().base(), offsets, 0, dim, left, 0, rows);
        float[] scores = w.floats(Purpose.SCORES, (long) rows * tokensMax);
        int panelFrom = from / PANEL;
        int panelTo = (to + PANEL - 1) / PANEL;
        scores(left, rows, count, keys, panelFrom, panelTo, tokensMax, call.shape(), scores, w);

        float[] factors = new float[count];
        for (int m = 0; m < count; m++) {
            int row = (first + m) / call.group();
            factors[m] = softmax(scores, m * tokensMax, panelFrom * PANEL, panelTo * PANEL,
                    run.from()[row], run.to()[row], call, (run.firstRow() + row)
                            * call.shape().heads() + call.headOf(kvHead, first + m),
                    w.lanes);
        }
        weigh(call, scores, rows, count, values, panelFrom * PANEL, to, tokensMax, left, offsets,
                factors, w);
    }

    /** All queries of one key head of a short run. */
    private static void few(Call call, AttentionRun run, int kvHead, int count, int tokensMax,
            Workspace w) {
        AttentionShape shape = call.shape();
        int dim = shape.headDim();
        int[] offsets = w.offsets(FewQueries.MAX);
        int[] queries = new int[FewQueries.MAX];
        int from = Integer.MAX_VALUE;
        int to = 0;
        for (int m = 0; m < FewQueries.MAX; m++) {
            int query = Math.min(m, count - 1);
            offsets[m] = call.queryOffset(run, kvHead, query);
            queries[m] = call.q().base() + offsets[m];
            from = Math.min(from, run.from()[query / call.group()]);
            to = Math.max(to, run.to()[query / call.group()]);
        }
        int begin = from / PANEL * PANEL;
        int end = (to + PANEL - 1) / PANEL * PANEL;
        float[] scores = w.floats(Purpose.SCORES, (long) FewQueries.MAX * tokensMax);
        FewQueries.scores(call.q().floats(), queries, call.k().floats(),
                call.k().base() + kvHead * dim, run.offsets(), begin, end, dim, shape.scale(),
                scores, tokensMax);
        float[] factors = new float[count];
        for (int m = 0; m < count; m++) {
            if (shape.softCap() != 0) {
                CpuElements.softCap(scores, m * tokensMax, shape.softCap(), begin, end);
            }
            int row = m / call.group();
            factors[m] = softmax(scores, m * tokensMax, begin, end, run.from()[row],
                    run.to()[row], call, (run.firstRow() + row) * shape.heads()
                            + call.headOf(kvHead, m),
                    w.lanes);
        }
        FewQueries.weigh(scores, tokensMax, call.v().floats(), call.v().base() + kvHead * dim,
                run.offsets(), begin, to, dim, call.out().floats(), call.out().base(), offsets,
                factors, count);
    }

    /** scores[m * tokensMax + t] = softCap(scale * q[m] . k[t]) for the panels given. */
    static void scores(float[] left, int rows, int count, float[] keys, int panelFrom,
            int panelTo, int tokensMax, AttentionShape shape, float[] scores, Workspace w) {
        int dim = shape.headDim();
        for (int p = panelFrom; p < panelTo; p++) {
            Microkernels.multiply(rows, 2, left, 0, keys, p * dim * PANEL, dim, w.tile);
            for (int m = 0; m < count; m++) {
                CpuElements.scale(scores, m * tokensMax + p * PANEL, w.tile, m * PANEL,
                        shape.scale(), PANEL);
                if (shape.softCap() != 0) {
                    CpuElements.softCap(scores, m * tokensMax + p * PANEL, shape.softCap(), 0,
                            PANEL);
                }
            }
        }
    }

    /**
     * Turns the scores [at + begin, at + end) into e^(score - max) where the row sees a token, zero
     * elsewhere; begin and end are multiples of a panel.
     *
     * @return 1 / their sum
     */
    private static float softmax(float[] scores, int at, int begin, int end, int from, int to,
            Call call, int lseAt, float[] scratch) {
        FloatVector max = FloatVector.broadcast(LANES, Float.NEGATIVE_INFINITY);
        for (int t = begin; t < end; t += W) {
            FloatVector s = FloatVector.fromArray(LANES, scores, at + t);
            max = isSeen(t, from, to)
                    ? max.max(s)
                    : max.lanewise(VectorOperators.MAX, s, seen(t, from, to));
        }
        float largest = VectorMath.max(max);
        FloatVector sum = FloatVector.zero(LANES);
        for (int t = begin; t < end; t += W) {
            FloatVector s = FloatVector.fromArray(LANES, scores, at + t);
            FloatVector e = VectorMath.expOfNegative(s.sub(largest));
            if (!isSeen(t, from, to)) {
                e = FloatVector.zero(LANES).blend(e, seen(t, from, to));
            }
            sum = sum.add(e);
            e.intoArray(scores, at + t);
        }
        float total = VectorMath.sum(sum, scratch);
        CpuBuffer lse = call.logSumExp();
        if (lse != null) {
            lse.floats()[lse.base() + lseAt] = (float) (largest + StrictMath.log(total));
        }
        return 1 / total;
    }

    /** Whether a row sees the whole vector of tokens from t on: the mask costs time. */
    static boolean isSeen(int t, int from, int to) {
        return t >= from && t + W <= to;
    }

    static VectorMask<Float> seen(int t, int from, int to) {
        VectorMask<Float> before = LANES.indexInRange(t, to);
        return t >= from ? before : before.andNot(LANES.indexInRange(t, from));
    }

    /** out[m] = factors[m] * sum over tokens of weight[m, t] * v[t]. */
    private static void weigh(Call call, float[] weights, int rows, int count, float[] values,
            int begin, int end, int tokensMax, float[] left, int[] outOffsets, float[] factors,
            Workspace w) {
        int dim = call.shape().headDim();
        int width = HeadPanels.columnWidth(dim);
        int[] weightOffsets = new int[rows + W];
        for (int m = 0; m < rows + W; m++) {
            weightOffsets[m] = Math.min(m, count - 1) * tokensMax;
        }
        Packing.rows(weights, begin, weightOffsets, 0, end - begin, left, 0, rows);
        for (int c = 0; c < HeadPanels.columnPanels(dim); c++) {
            Microkernels.multiply(rows, width / W, left, 0, values,
                    (c * tokensMax + begin) * width, end - begin, w.tile);
            HeadPanels.store(w.tile, width, count, Math.min(width, dim - c * width),
                    call.out().floats(), call.out().base() + c * width, outOffsets, factors,
                    false);
        }
    }
}
