package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.ROWS_MAX;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import dev.flywheel.engine.backend.cpu.Workspace.Purpose;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/**
 * Products of matrices: C [m, n] = alpha * left [m, k] * transpose(right [n, k]) + beta * C.
 *
 * <p>All three products of a linear layer have this form and differ only in how the operands lie in
 * memory, which packing hides. Each element of the product is one chain of fused multiply-adds over
 * k (see {@link Microkernels}), whichever tile, panel or thread computes it.
 */
final class CpuMatmul {
    /** Floats of the left operand packed at a time. */
    private static final int LEFT_FLOATS_MAX = 1 << 20;

    /** Floats of the right operand packed at once; of a larger one, each panel is when needed. */
    private static final int RIGHT_FLOATS_MAX = 1 << 21;

    /** Tiles computed with one panel before the next, few enough that their outputs stay cached. */
    private static final int TILES_MAX = 16;

    /** Multiply-adds below which waking another thread costs more than it saves. */
    private static final long WORK_PER_THREAD_MIN = 1 << 21;

    private final Workers workers;
    private final PanelBudget budget;

    CpuMatmul(Workers workers, PanelBudget budget) {
        this.workers = workers;
        this.budget = budget;
    }

    void product(CpuStream stream, CpuBuffer c, Operand left, Operand right, float alpha,
            float beta) {
        if (left.rows() == 0 || right.rows() == 0) {
            return;
        }
        Product product = new Product(c.floats(), c.base(), left, right, keptPanels(right),
                alpha, beta);
        int tiles = product.tiles();
        int panels = product.panels();
        long work = (long) left.rows() * right.rows() * left.depth();
        int parts = (int) Math.clamp(work / WORK_PER_THREAD_MIN, 1, workers.threads());
        if (parts == 1) {
            product.run(0, tiles, 0, panels, stream.workspace(0));
        } else if (tiles >= 2 * parts) {
            workers.run(stream, parts, (part, workspace) -> product.run(part * tiles / parts,
                    (part + 1) * tiles / parts, 0, panels, workspace));
        } else {
            workers.run(stream, parts, (part, workspace) -> product.run(0, tiles,
                    part * panels / parts, (part + 1) * panels / parts, workspace));
        }
    }

    /** One product per run of rows with the same slot, so that interleaved adapters cost little. */
    void loraShrink(CpuStream stream, CpuBuffer out, CpuBuffer x, CpuBuffer a, int[] slots,
            int slotsAt, int rows, int in, int rankMax) {
        for (int start = 0; start < rows;) {
            int slot = slots[slotsAt + start];
            int end = runEnd(slots, slotsAt, start, rows);
            CpuBuffer to = out.slice((long) start * rankMax, (long) (end - start) * rankMax);
            if (slot < 0) {
                Arrays.fill(to.floats(), to.base(),
                        to.base() + (end - start) * rankMax, 0);
            } else {
                CpuBuffer from = x.slice((long) start * in, (long) (end - start) * in);
                CpuBuffer weights = a.slice((long) slot * rankMax * in, (long) rankMax * in);
                product(stream, to, new Operand(from, end - start, in, true),
                        new Operand(weights, rankMax, in, true), 1, 0);
            }
            start = end;
        }
    }

    void loraExpand(CpuStream stream, CpuBuffer y, CpuBuffer shrunk, CpuBuffer b, CpuBuffer scales,
            int[] slots, int slotsAt, int rows, int rankMax, int out) {
        for (int start = 0; start < rows;) {
            int slot = slots[slotsAt + start];
            int end = runEnd(slots, slotsAt, start, rows);
            if (slot >= 0) {
                CpuBuffer to = y.slice((long) start * out, (long) (end - start) * out);
                CpuBuffer from = shrunk.slice((long) start * rankMax,
                        (long) (end - start) * rankMax);
                CpuBuffer weights = b.slice((long) slot * out * rankMax, (long) out * rankMax);
                product(stream, to, new Operand(from, end - start, rankMax, true),
                        new Operand(weights, out, rankMax, true),
                        scales.floats()[scales.base() + slot], 1);
            }
            start = end;
        }
    }

    private static int runEnd(int[] slots, int slotsAt, int start, int rows) {
        int end = start + 1;
        while (end < rows && slots[slotsAt + end] == slots[slotsAt + start]) {
            end++;
        }
        return end;
    }

    /** Returns all panels of an operand that stays as it is, packing them at the first use; else null. */
    private float @Nullable [] keptPanels(Operand right) {
        SettledParts.Part settled = right.buffer().settled();
        return settled != null ? settled.panels(right, () -> packed(right, panelFloats(right)))
                : frozenPanels(right);
    }

    private float @Nullable [] frozenPanels(Operand right) {
        CpuBuffer buffer = right.buffer();
        if (!buffer.frozen()) {
            return null;
        }
        float[] kept = buffer.packed(right.rows(), right.depth(), right.alongDepth());
        if (kept != null) {
            return kept;
        }
        long floats = panelFloats(right);
        if (floats > Integer.MAX_VALUE - 8 || !budget.take(floats)) {
            return null;
        }
        float[] packed = packed(right, floats);
        buffer.keepPacked(right.rows(), right.depth(), right.alongDepth(), packed);
        return packed;
    }

    private static long panelFloats(Operand right) {
        int width = width(right.rows());
        return (long) panels(right.rows(), width) * width * right.depth() + Packing.SLACK;
    }

    private static float[] packed(Operand right, long floats) {
        int width = width(right.rows());
        float[] packed = new float[Math.toIntExact(floats)];
        Packing.pack(right, 0, right.rows(), width, width * right.depth(), packed, 0,
                new Workspace());
        return packed;
    }

    private static int width(int rows) {
        return rows <= W ? W : 2 * W;
    }

    private static int panels(int rows, int width) {
        return (rows + width - 1) / width;
    }

    /** One product: a grid of tiles, {@link Microkernels#ROWS_MAX} rows by one panel each. */
    private record Product(
            float[] c,
            int c0,
            Operand left,
            Operand right,
            float @Nullable [] keptPanels,
            float alpha,
            float beta) {

        private int tiles() {
            return CpuMatmul.panels(left.rows(), ROWS_MAX);
        }

        private int panels() {
            return CpuMatmul.panels(right.rows(), width(right.rows()));
        }

        /** Computes the tiles [tileFrom, tileTo) of the panels [panelFrom, panelTo). */
        private void run(int tileFrom, int tileTo, int panelFrom, int panelTo,
                Workspace workspace) {
            int panelFloats = width(right.rows()) * right.depth();
            float[] b = keptPanels;
            int first = 0; // the panel that b begins with
            if (b == null && (long) (panelTo - panelFrom) * panelFloats <= RIGHT_FLOATS_MAX) {
                b = packRight(panelFrom, panelTo, workspace);
                first = panelFrom;
            }
            int chunk = b == null
                    ? Math.max(1, LEFT_FLOATS_MAX / tileStride())
                    : Math.clamp(LEFT_FLOATS_MAX / tileStride(), 1, TILES_MAX);
            for (int from = tileFrom; from < tileTo; from += chunk) {
                int to = Math.min(from + chunk, tileTo);
                float[] a = packLeft(from, to, workspace);
                for (int p = panelFrom; p < panelTo; p++) {
                    if (b == null) {
                        panel(a, from, to, packRight(p, p + 1, workspace), 0, p, workspace.tile);
                    } else {
                        panel(a, from, to, b, (p - first) * panelFloats, p, workspace.tile);
                    }
                }
            }
        }

        private float[] packRight(int panelFrom, int panelTo, Workspace workspace) {
            int width = width(right.rows());
            int row = panelFrom * width;
            int panelFloats = width * right.depth();
            float[] b = workspace.floats(Purpose.RIGHT_PANELS,
                    (long) (panelTo - panelFrom) * panelFloats + Packing.SLACK);
            Packing.pack(right, row, Math.min(panelTo * width, right.rows()) - row, width,
                    panelFloats, b, 0, workspace);
            return b;
        }

        private float[] packLeft(int tileFrom, int tileTo, Workspace workspace) {
            float[] a = workspace.floats(Purpose.LEFT_PANELS,
                    (long) (tileTo - tileFrom) * tileStride());
            int row = tileFrom * ROWS_MAX;
            int rows = Math.min(tileTo * ROWS_MAX, left.rows()) - row;
            int whole = rows / ROWS_MAX * ROWS_MAX;
            Packing.pack(left, row, whole, ROWS_MAX, tileStride(), a, 0, workspace);
            if (whole < rows) {
                Packing.pack(left, row + whole, rows - whole,
                        Microkernels.kernelRows(rows - whole), tileStride(), a,
                        whole / ROWS_MAX * tileStride(), workspace);
            }
            return a;
        }

        private void panel(float[] a, int tileFrom, int tileTo, float[] b, int b0, int p,
                float[] tile) {
            int width = width(right.rows());
            int column = p * width;
            int columns = Math.min(width, right.rows() - column);
            for (int t = tileFrom; t < tileTo; t++) {
                int rows = tileRows(t);
                Microkernels.multiply(Microkernels.kernelRows(rows), width / W, a,
                        (t - tileFrom) * tileStride(), b, b0, left.depth(), tile);
                int at = c0 + t * ROWS_MAX * right.rows() + column;
                store(tile, width, rows, columns, c, at, right.rows(), alpha, beta);
            }
        }

        private int tileStride() {
            return ROWS_MAX * left.depth() + Packing.SLACK;
        }

        private int tileRows(int tile) {
            return Math.min(ROWS_MAX, left.rows() - tile * ROWS_MAX);
        }
    }

    /** c = alpha * tile + beta * c for the rows and columns of the tile that exist. */
    static void store(float[] tile, int width, int rows, int columns, float[] c, int at,
            int stride, float alpha, float beta) {
        for (int j = 0; j < columns; j += W) {
            if (columns - j >= W) {
                storeWhole(tile, j, width, rows, c, at + j, stride, alpha, beta);
            } else {
                storePart(tile, j, width, rows, LANES.indexInRange(j, columns), c, at + j, stride,
                        alpha, beta);
            }
        }
    }

    private static void storeWhole(float[] tile, int from, int width, int rows, float[] c, int at,
            int stride, float alpha, float beta) {
        for (int m = 0; m < rows; m++) {
            FloatVector value = FloatVector.fromArray(LANES, tile, from + m * width).mul(alpha);
            if (beta != 0) {
                FloatVector old = FloatVector.fromArray(LANES, c, at + m * stride);
                value = old.fma(FloatVector.broadcast(LANES, beta), value);
            }
            value.intoArray(c, at + m * stride);
        }
    }

    private static void storePart(float[] tile, int from, int width, int rows,
            VectorMask<Float> columns, float[] c, int at, int stride, float alpha, float beta) {
        for (int m = 0; m < rows; m++) {
            FloatVector value = FloatVector.fromArray(LANES, tile, from + m * width).mul(alpha);
            if (beta != 0) {
                FloatVector old = FloatVector.fromArray(LANES, c, at + m * stride, columns);
                value = old.fma(FloatVector.broadcast(LANES, beta), value);
            }
            value.intoArray(c, at + m * stride, columns);
        }
    }
}
