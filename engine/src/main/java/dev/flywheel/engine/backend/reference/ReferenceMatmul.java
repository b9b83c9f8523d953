package dev.flywheel.engine.backend.reference;

/** Products of matrices; every sum in double, over ascending indices. */
final class ReferenceMatmul {
    private ReferenceMatmul() {}

    /** y [rows, out] = alpha * x [rows, in] * transpose(w [out, in]) + beta * y. */
    static void forward(ReferenceBuffer y, ReferenceBuffer x, ReferenceBuffer w, float alpha,
            float beta, int rows, int in, int out) {
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < out; o++) {
                double sum = 0;
                for (int i = 0; i < in; i++) {
                    sum += (double) x.get((long) r * in + i) * w.get((long) o * in + i);
                }
                blend(y, (long) r * out + o, alpha * sum, beta);
            }
        }
    }

    /** dx [rows, in] = alpha * dy [rows, out] * w [out, in] + beta * dx. */
    static void gradInput(ReferenceBuffer dx, ReferenceBuffer dy, ReferenceBuffer w, float alpha,
            float beta, int rows, int in, int out) {
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < in; i++) {
                double sum = 0;
                for (int o = 0; o < out; o++) {
                    sum += (double) dy.get((long) r * out + o) * w.get((long) o * in + i);
                }
                blend(dx, (long) r * in + i, alpha * sum, beta);
            }
        }
    }

    /** dw [out, in] = alpha * transpose(dy [rows, out]) * x [rows, in] + beta * dw. */
    static void gradWeight(ReferenceBuffer dw, ReferenceBuffer dy, ReferenceBuffer x, float alpha,
            float beta, int rows, int in, int out) {
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++) {
                double sum = 0;
                for (int r = 0; r < rows; r++) {
                    sum += (double) dy.get((long) r * out + o) * x.get((long) r * in + i);
                }
                blend(dw, (long) o * in + i, alpha * sum, beta);
            }
        }
    }

    /** out[i] [rankMax] = a[slot] [rankMax, in] * x[i] [in]; zeros where slot is -1. */
    static void loraShrink(ReferenceBuffer out, ReferenceBuffer x, ReferenceBuffer a,
            ReferenceBuffer rowSlots, int rows, int in, int rankMax) {
        for (int r = 0; r < rows; r++) {
            int slot = rowSlots.index(r);
            for (int k = 0; k < rankMax; k++) {
                double sum = 0;
                if (slot >= 0) {
                    long row = ((long) slot * rankMax + k) * in;
                    for (int i = 0; i < in; i++) {
                        sum += (double) x.get((long) r * in + i) * a.get(row + i);
                    }
                }
                out.set((long) r * rankMax + k, sum);
            }
        }
    }

    /** y[i] [out] += scales[slot] * b[slot] [out, rankMax] * shrunk[i] [rankMax]. */
    static void loraExpand(ReferenceBuffer y, ReferenceBuffer shrunk, ReferenceBuffer b,
            ReferenceBuffer scales, ReferenceBuffer rowSlots, int rows, int rankMax, int out) {
        for (int r = 0; r < rows; r++) {
            int slot = rowSlots.index(r);
            if (slot < 0) {
                continue;
            }
            for (int o = 0; o < out; o++) {
                long row = ((long) slot * out + o) * rankMax;
                double sum = 0;
                for (int k = 0; k < rankMax; k++) {
                    sum += (double) shrunk.get((long) r * rankMax + k) * b.get(row + k);
                }
                y.addTo((long) r * out + o, scales.get(slot) * sum);
            }
        }
    }

    /** Zero beta means overwritten, never read: whatever stood there, NaN included, is gone. */
    private static void blend(ReferenceBuffer y, long i, double value, float beta) {
        y.set(i, beta == 0 ? value : value + (double) beta * y.get(i));
    }
}
