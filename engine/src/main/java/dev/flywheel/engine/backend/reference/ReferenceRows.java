package dev.flywheel.engine.backend.reference;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Calls that move, add or rotate whole rows. */
final class ReferenceRows {
    private ReferenceRows() {}

    static void gather(ReferenceBuffer out, ReferenceBuffer x, ReferenceBuffer index, float scale,
            int rows, int dim) {
        for (int r = 0; r < rows; r++) {
            long from = row(index, r, x, dim);
            for (int i = 0; i < dim; i++) {
                out.set((long) r * dim + i, (double) scale * x.get(from + i));
            }
        }
    }

    static void scatterAdd(ReferenceBuffer out, ReferenceBuffer x, ReferenceBuffer index,
            @Nullable ReferenceBuffer weight, float scale, int rows, int dim) {
        for (int r = 0; r < rows; r++) {
            long to = row(index, r, out, dim);
            double factor = weight == null ? scale : (double) scale * weight.get(r);
            for (int i = 0; i < dim; i++) {
                out.addTo(to + i, factor * x.get((long) r * dim + i));
            }
        }
    }

    static void scatter(ReferenceBuffer out, ReferenceBuffer x, ReferenceBuffer index, int rows,
            int dim) {
        for (int r = 0; r < rows; r++) {
            long to = row(index, r, out, dim);
            for (int i = 0; i < dim; i++) {
                out.set(to + i, x.get((long) r * dim + i));
            }
        }
    }

    static void addBias(ReferenceBuffer x, ReferenceBuffer bias, int rows, int dim) {
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < dim; i++) {
                x.addTo((long) r * dim + i, bias.get(i));
            }
        }
    }

    static void addBiasBackward(ReferenceBuffer dBias, ReferenceBuffer dy, int rows, int dim) {
        for (int i = 0; i < dim; i++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += dy.get((long) r * dim + i);
            }
            dBias.addTo(i, sum);
        }
    }

    /** Each pair (x[i], x[i + headDim / 2]) turns by position * inverseFrequency[i], times scale. */
    static void rope(ReferenceBuffer x, ReferenceBuffer positions,
            ReferenceBuffer inverseFrequencies, float scale, boolean inverse, int rows, int heads,
            int headDim) {
        int half = headDim / 2;
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < half; i++) {
                double angle = (double) positions.index(r) * inverseFrequencies.get(i);
                double cos = scale * Math.cos(angle);
                double sin = scale * (inverse ? -Math.sin(angle) : Math.sin(angle));
                for (int h = 0; h < heads; h++) {
                    long at = ((long) r * heads + h) * headDim + i;
                    double low = x.get(at);
                    double high = x.get(at + half);
                    x.set(at, low * cos - high * sin);
                    x.set(at + half, high * cos + low * sin);
                }
            }
        }
    }

    private static long row(ReferenceBuffer index, int r, ReferenceBuffer table, int dim) {
        return Objects.checkIndex(index.index(r), table.elements() / dim) * dim;
    }
}
