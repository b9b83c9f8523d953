package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/** Root mean square norm and its gradient; weights come widened, with their offset added. */
final class CpuNorm {
    private CpuNorm() {}

    static void forward(float[] out, int o, float[] x, int x0, float[] weight, float eps,
            int rowFrom, int rowTo, int dim, float[] scratch) {
        for (int r = rowFrom; r < rowTo; r++) {
            float c = inverseRms(x, x0 + r * dim, eps, dim, scratch);
            row(out, o + r * dim, x, x0 + r * dim, weight, c, dim);
        }
    }

    /** With g = dy * weight: dx += c * g - x * c^3 * mean(g * x); dWeight += dy * x * c. */
    static void backward(float[] dx, int d, float @Nullable [] dWeight, int dw, float[] dy,
            int dy0, float[] x, int x0, float[] weight, float eps, int rows, int dim,
            float[] scratch) {
        for (int r = 0; r < rows; r++) {
            int at = r * dim;
            float c = inverseRms(x, x0 + at, eps, dim, scratch);
            float dot = dot(dy, dy0 + at, weight, x, x0 + at, dim, scratch);
            float bend = -c * c * c * dot / dim;
            rowBackward(dx, d + at, dy, dy0 + at, x, x0 + at, weight, c, bend, dim);
            if (dWeight != null) {
                weightBackward(dWeight, dw, dy, dy0 + at, x, x0 + at, c, dim);
            }
        }
    }

    private static float inverseRms(float[] x, int at, float eps, int dim, float[] scratch) {
        FloatVector sum = FloatVector.zero(LANES);
        int i = 0;
        for (int end = LANES.loopBound(dim); i < end; i += W) {
            FloatVector v = FloatVector.fromArray(LANES, x, at + i);
            sum = v.fma(v, sum);
        }
        if (i < dim) {
            FloatVector v = FloatVector.fromArray(LANES, x, at + i, LANES.indexInRange(i, dim));
            sum = v.fma(v, sum);
        }
        return (float) (1 / Math.sqrt((double) VectorMath.sum(sum, scratch) / dim + eps));
    }

    private static void row(float[] out, int o, float[] x, int at, float[] weight, float c,
            int dim) {
        int i = 0;
        for (int end = LANES.loopBound(dim); i < end; i += W) {
            FloatVector.fromArray(LANES, x, at + i)
                    .mul(c)
                    .mul(FloatVector.fromArray(LANES, weight, i))
                    .intoArray(out, o + i);
        }
        for (; i < dim; i++) {
            out[o + i] = x[at + i] * c * weight[i];
        }
    }

    private static float dot(float[] dy, int dy0, float[] weight, float[] x, int x0, int dim,
            float[] scratch) {
        FloatVector sum = FloatVector.zero(LANES);
        int i = 0;
        for (int end = LANES.loopBound(dim); i < end; i += W) {
            FloatVector g = FloatVector.fromArray(LANES, dy, dy0 + i)
                    .mul(FloatVector.fromArray(LANES, weight, i));
            sum = g.fma(FloatVector.fromArray(LANES, x, x0 + i), sum);
        }
        if (i < dim) {
            VectorMask<Float> rest = LANES.indexInRange(i, dim);
            FloatVector g = FloatVector.fromArray(LANES, dy, dy0 + i, rest)
                    .mul(FloatVector.fromArray(LANES, weight, i, rest));
            sum = g.fma(FloatVector.fromArray(LANES, x, x0 + i, rest), sum);
        }
        return VectorMath.sum(sum, scratch);
    }

    private static void rowBackward(float[] dx, int d, float[] dy, int dy0, float[] x, int x0,
            float[] weight, float c, float bend, int dim) {
        FloatVector bends = FloatVector.broadcast(LANES, bend);
        int i = 0;
        for (int end = LANES.loopBound(dim); i < end; i += W) {
            FloatVector g = FloatVector.fromArray(LANES, dy, dy0 + i)
                    .mul(FloatVector.fromArray(LANES, weight, i));
            FloatVector.fromArray(LANES, x, x0 + i)
                    .fma(bends, g.mul(c))
                    .add(FloatVector.fromArray(LANES, dx, d + i))
                    .intoArray(dx, d + i);
        }
        for (; i < dim; i++) {
            dx[d + i] += Math.fma(x[x0 + i], bend, dy[dy0 + i] * weight[i] * c);
        }
    }

    private static void weightBackward(float[] dWeight, int dw, float[] dy, int dy0, float[] x,
            int x0, float c, int dim) {
        int i = 0;
        for (int end = LANES.loopBound(dim); i < end; i += W) {
            FloatVector.fromArray(LANES, x, x0 + i)
                    .mul(c)
                    .fma(FloatVector.fromArray(LANES, dy, dy0 + i),
                            FloatVector.fromArray(LANES, dWeight, dw + i))
                    .intoArray(dWeight, dw + i);
        }
        for (; i < dim; i++) {
            dWeight[dw + i] = Math.fma(x[x0 + i] * c, dy[dy0 + i], dWeight[dw + i]);
        }
    }
}
