package dev.flywheel.engine.backend.reference;

import org.jspecify.annotations.Nullable;

/** Root mean square norm and its gradient. Zhang and Sennrich, arXiv:1910.07467. */
final class ReferenceNorm {
    private ReferenceNorm() {}

    /** out = x * c * (weight + weightOffset) with c = 1 / sqrt(mean(x^2) + eps); [rows, dim]. */
    static void forward(ReferenceBuffer out, ReferenceBuffer x, ReferenceBuffer weight,
            float weightOffset, float eps, int rows, int dim) {
        for (int r = 0; r < rows; r++) {
            long row = (long) r * dim;
            double c = inverseRms(x, row, eps, dim);
            for (int i = 0; i < dim; i++) {
                out.set(row + i, x.get(row + i) * c * ((double) weight.get(i) + weightOffset));
            }
        }
    }

    /**
     * With g = dy * (weight + weightOffset): dx += c * g - x * c^3 * mean(g * x), and
     * dWeight += dy * x * c, row by row.
     */
    static void backward(ReferenceBuffer dx, @Nullable ReferenceBuffer dWeight, ReferenceBuffer dy,
            ReferenceBuffer x, ReferenceBuffer weight, float weightOffset, float eps, int rows,
            int dim) {
        for (int r = 0; r < rows; r++) {
            long row = (long) r * dim;
            double c = inverseRms(x, row, eps, dim);
            double dot = 0;
            for (int i = 0; i < dim; i++) {
                dot += dy.get(row + i) * ((double) weight.get(i) + weightOffset) * x.get(row + i);
            }
            for (int i = 0; i < dim; i++) {
                double g = dy.get(row + i) * ((double) weight.get(i) + weightOffset);
                dx.addTo(row + i, c * g - x.get(row + i) * c * c * c * dot / dim);
            }
        }
        if (dWeight != null) {
            backwardWeight(dWeight, dy, x, eps, rows, dim);
        }
    }

    private static void backwardWeight(ReferenceBuffer dWeight, ReferenceBuffer dy,
            ReferenceBuffer x, float eps, int rows, int dim) {
        double[] c = new double[rows];
        for (int r = 0; r < rows; r++) {
            c[r] = inverseRms(x, (long) r * dim, eps, dim);
        }
        for (int i = 0; i < dim; i++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += (double) dy.get((long) r * dim + i) * x.get((long) r * dim + i) * c[r];
            }
            dWeight.addTo(i, sum);
        }
    }

    private static double inverseRms(ReferenceBuffer x, long row, float eps, int dim) {
        double sumOfSquares = 0;
        for (int i = 0; i < dim; i++) {
            sumOfSquares += (double) x.get(row + i) * x.get(row + i);
        }
        return 1 / Math.sqrt(sumOfSquares / dim + eps);
    }
}
