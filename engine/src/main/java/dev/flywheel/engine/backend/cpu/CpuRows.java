package dev.flywheel.engine.backend.cpu;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Kernels that move, add or rotate whole rows. */
final class CpuRows {
    private CpuRows() {}

    static void gather(CpuBuffer out, CpuBuffer table, CpuBuffer index, float scale, int rows,
            int dim) {
        float[] to = out.floats();
        for (int r = 0; r < rows; r++) {
            long from = row(index, r, table, dim);
            int at = out.base() + r * dim;
            Widening.read(table, from, to, at, dim);
            if (scale != 1) {
                CpuElements.scale(to, at, to, at, scale, dim);
            }
        }
    }

    static void scatterAdd(CpuBuffer out, CpuBuffer x, CpuBuffer index, @Nullable CpuBuffer weight,
            float scale, int rows, int dim) {
        float[] to = out.floats();
        float[] from = x.floats();
        for (int r = 0; r < rows; r++) {
            int at = out.base() + (int) row(index, r, out, dim);
            float factor = weight == null
                    ? scale
                    : scale * weight.floats()[weight.base() + r];
            CpuElements.add(to, at, from, x.base() + r * dim, factor, dim);
        }
    }

    static void scatter(CpuBuffer out, CpuBuffer x, CpuBuffer index, int rows, int dim) {
        float[] to = out.floats();
        float[] from = x.floats();
        for (int r = 0; r < rows; r++) {
            int at = out.base() + (int) row(index, r, out, dim);
            System.arraycopy(from, x.base() + r * dim, to, at, dim);
        }
    }

    static void addBias(float[] x, int x0, float[] bias, int rows, int dim) {
        for (int r = 0; r < rows; r++) {
            CpuElements.add(x, x0 + r * dim, bias, 0, 1, dim);
        }
    }

    static void addBiasBackward(float[] dBias, int d, float[] dy, int dy0, int rows, int dim) {
        for (int r = 0; r < rows; r++) {
            CpuElements.add(dBias, d, dy, dy0 + r * dim, 1, dim);
        }
    }

    private static long row(CpuBuffer index, int r, CpuBuffer table, int dim) {
        int row = index.ints()[index.base() + r];
        return (long) Objects.checkIndex(row, (int) (table.elements() / dim)) * dim;
    }
}
