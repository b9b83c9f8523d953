package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.Backend.AdamW;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Kernels that treat each element alone, over [from, to) of arrays that begin at the given bases.
 *
 * <p>Every loop runs whole vectors and then, if elements are left, once under a mask.
 */
final class CpuElements {
    private static final float GELU_SCALE = (float) Math.sqrt(2 / Math.PI);
    private static final float GELU_CUBE = 0.044715f;
    private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

    private CpuElements() {}

    static void add(float[] out, int o, float[] x, int x0, float alpha, int n) {
        FloatVector factor = FloatVector.broadcast(LANES, alpha);
        int i = 0;
        for (int end = LANES.loopBound(n); i < end; i += W) {
            FloatVector.fromArray(LANES, x, x0 + i)
                    .fma(factor, FloatVector.fromArray(LANES, out, o + i))
                    .intoArray(out, o + i);
        }
        if (i < n) {
            VectorMask<Float> rest = LANES.indexInRange(i, n);
            FloatVector.fromArray(LANES, x, x0 + i, rest)
                    .fma(factor, FloatVector.fromArray(LANES, out, o + i, rest))
                    .intoArray(out, o + i, rest);
        }
    }

    /** out = scale * x. */
    static void scale(float[] out, int o, float[] x, int x0, float scale, int n) {
        int i = 0;
        for (int end = LANES.loopBound(n); i < end; i += W) {
            FloatVector.fromArray(LANES, x, x0 + i).mul(scale).intoArray(out, o + i);
        }
        for (; i < n; i++) {
            out[o + i] = x[x0 + i] * scale;
        }
    }

    static void gatedActivation(float[] out, int o, float[] gate, int g, float[] up, int u,
            Activation activation, int from, int to) {
        int i = from;
        for (int end = from + LANES.loopBound(to - from); i < end; i += W) {
            FloatVector x = FloatVector.fromArray(LANES, gate, g + i);
            activate(activation, x).mul(FloatVector.fromArray(LANES, up, u + i))
                    .intoArray(out, o + i);
        }
        if (i < to) {
            VectorMask<Float> rest = LANES.indexInRange(i, to);
            FloatVector x = FloatVector.fromArray(LANES, gate, g + i, rest);
            activate(activation, x).mul(FloatVector.fromArray(LANES, up, u + i, rest))
                    .intoArray(out, o + i, rest);
        }
    }

    static void gatedActivationBackward(float[] dGate, int dg, float[] dUp, int du, float[] dOut,
            int d, float[] gate, int g, float[] up, int u, Activation activation, int from,
            int to) {
        int i = from;
        for (int end = from + LANES.loopBound(to - from); i < end; i += W) {
            FloatVector x = FloatVector.fromArray(LANES, gate, g + i);
            FloatVector dy = FloatVector.fromArray(LANES, dOut, d + i);
            FloatVector factor = FloatVector.fromArray(LANES, up, u + i);
            FloatVector bend = bend(activation, x);
            dy.mul(factor).mul(slope(activation, x, bend)).intoArray(dGate, dg + i);
            dy.mul(value(activation, x, bend)).intoArray(dUp, du + i);
        }
        if (i < to) {
            VectorMask<Float> rest = LANES.indexInRange(i, to);
            FloatVector x = FloatVector.fromArray(LANES, gate, g + i, rest);
            FloatVector dy = FloatVector.fromArray(LANES, dOut, d + i, rest);
            FloatVector factor = FloatVector.fromArray(LANES, up, u + i, rest);
            FloatVector bend = bend(activation, x);
            dy.mul(factor).mul(slope(activation, x, bend)).intoArray(dGate, dg + i, rest);
            dy.mul(value(activation, x, bend)).intoArray(dUp, du + i, rest);
        }
    }

    static void softCap(float[] x, int x0, float cap, int from, int to) {
        for (int i = from; i < to; i += W) {
            VectorMask<Float> rest = LANES.indexInRange(i, to);
            FloatVector value = FloatVector.fromArray(LANES, x, x0 + i, rest);
            softCap(value, cap).intoArray(x, x0 + i, rest);
        }
    }

    static FloatVector softCap(FloatVector x, float cap) {
        return VectorMath.tanh(x.div(cap)).mul(cap);
    }

    static void softCapBackward(float[] dx, int d, float[] y, int y0, float cap, int from,
            int to) {
        for (int i = from; i < to; i += W) {
            VectorMask<Float> rest = LANES.indexInRange(i, to);
            FloatVector t = FloatVector.fromArray(LANES, y, y0 + i, rest).div(cap);
            FloatVector slope = t.mul(t).neg().add(1);
            FloatVector.fromArray(LANES, dx, d + i, rest).mul(slope).intoArray(dx, d + i, rest);
        }
    }

    /** Returns the sum of squares in double; lane i of the vector sums every W-th element from i. */
    static double sumOfSquares(float[] x, int x0, int n) {
        DoubleVector low = DoubleVector.zero(DOUBLES);
        DoubleVector high = DoubleVector.zero(DOUBLES);
        for (int i = 0; i < n; i += W) {
            FloatVector v = FloatVector.fromArray(LANES, x, x0 + i, LANES.indexInRange(i, n));
            DoubleVector a = (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 0);
            DoubleVector b = (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 1);
            low = a.fma(a, low);
            high = b.fma(b, high);
        }
        double sum = 0;
        for (double lane : low.add(high).toArray()) {
            sum += lane;
        }
        return sum;
    }

    static void adamW(float[] theta, int t, float[] m, int m0, float[] v, int v0,
            float[] gradient, int g0, float gradScale, AdamW settings, int step, int from,
            int to) {
        double rate = settings.learningRate();
        float decay = (float) (1 - rate * settings.weightDecay());
        float meanScale = (float) (rate / (1 - StrictMath.pow(settings.beta1(), step)));
        float squareScale = (float) (1 / (1 - StrictMath.pow(settings.beta2(), step)));
        FloatVector beta1 = FloatVector.broadcast(LANES, settings.beta1());
        FloatVector beta2 = FloatVector.broadcast(LANES, settings.beta2());
        FloatVector rest1 = FloatVector.broadcast(LANES, (float) (1 - (double) settings.beta1()));
        FloatVector rest2 = FloatVector.broadcast(LANES, (float) (1 - (double) settings.beta2()));
        for (int i = from; i < to; i += W) {
            VectorMask<Float> rest = LANES.indexInRange(i, to);
            FloatVector g = FloatVector.fromArray(LANES, gradient, g0 + i, rest).mul(gradScale);
            FloatVector mean = FloatVector.fromArray(LANES, m, m0 + i, rest).mul(beta1);
            mean = g.fma(rest1, mean);
            FloatVector square = FloatVector.fromArray(LANES, v, v0 + i, rest).mul(beta2);
            square = g.mul(g).fma(rest2, square);
            mean.intoArray(m, m0 + i, rest);
            square.intoArray(v, v0 + i, rest);
            FloatVector root = square.mul(squareScale).sqrt().add(settings.epsilon());
            FloatVector.fromArray(LANES, theta, t + i, rest)
                    .mul(decay)
                    .sub(mean.mul(meanScale).div(root))
                    .intoArray(theta, t + i, rest);
        }
    }

    private static FloatVector activate(Activation activation, FloatVector x) {
        return value(activation, x, bend(activation, x));
    }

    /** Returns the costly function that both the value and the slope are made of. */
    private static FloatVector bend(Activation activation, FloatVector x) {
        return switch (activation) {
            case SILU -> VectorMath.sigmoid(x);
            case GELU_TANH -> VectorMath.tanh(geluInner(x));
        };
    }

    private static FloatVector value(Activation activation, FloatVector x, FloatVector bend) {
        return switch (activation) {
            case SILU -> x.mul(bend);
            case GELU_TANH -> x.mul(0.5f).mul(bend.add(1));
        };
    }

    private static FloatVector slope(Activation activation, FloatVector x, FloatVector bend) {
        return switch (activation) {
            case SILU -> bend.mul(x.mul(bend.neg().add(1)).add(1));
            case GELU_TANH -> {
                FloatVector inner = x.mul(x).mul(3 * GELU_CUBE).add(1).mul(GELU_SCALE);
                yield x.mul(bend.mul(bend).neg().add(1)).mul(inner).add(bend.add(1)).mul(0.5f);
            }
        };
    }

    private static FloatVector geluInner(FloatVector x) {
        return x.mul(x).mul(GELU_CUBE).add(1).mul(x).mul(GELU_SCALE);
    }
}
