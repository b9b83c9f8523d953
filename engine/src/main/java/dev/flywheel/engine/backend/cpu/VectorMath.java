package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Transcendental functions out of exactly rounded operations only, so that interpreter, compilers
 * and vector widths agree on every bit; the Vector API's own do not promise that.
 *
 * <p>Polynomials after Cephes (S. Moshier), within 2 units in the last place of the F32 result.
 */
final class VectorMath {
    private static final float LOG2_E = 1.44269504088896341f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    private static final float ROUNDER = 12582912f; // 1.5 * 2^23: adding it rounds to an integer
    private static final float EXP_MAX = 88.3762626647949f;
    private static final float EXP_MIN = -87.3365447504019f; // below it results are denormal: zero

    private VectorMath() {}

    /** e^x; zero where the result would be denormal, infinite where it is too large. */
    static FloatVector exp(FloatVector x) {
        FloatVector y = boundedExp(x).blend(0, x.compare(VectorOperators.LT, EXP_MIN));
        return y.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, EXP_MAX));
    }

    /** e^x of arguments that are at most zero; zero where the result would be denormal. */
    static FloatVector expOfNegative(FloatVector x) {
        return boundedExp(x).blend(0, x.compare(VectorOperators.LT, EXP_MIN));
    }

    /** e^x with x moved into the range where that is neither denormal nor infinite. */
    private static FloatVector boundedExp(FloatVector x) {
        FloatVector bounded = x.max(EXP_MIN).min(EXP_MAX);
        FloatVector shifted = bounded.fma(all(LOG2_E), all(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(all(-LN2_HIGH), bounded);
        r = n.fma(all(-LN2_LOW), r);
        FloatVector p = all(1.9875691500e-4f);
        p = p.fma(r, all(1.3981999507e-3f));
        p = p.fma(r, all(8.3334519073e-3f));
        p = p.fma(r, all(4.1665795894e-2f));
        p = p.fma(r, all(1.6666665459e-1f));
        p = p.fma(r, all(5.0000001201e-1f));
        p = p.fma(r.mul(r), r).add(1);
        // The low bits of shifted hold n; as an exponent it scales by 2^n. A NaN stays one: the low
        // bits of those that arithmetic makes are zero.
        IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** 1 / (1 + e^-x). */
    static FloatVector sigmoid(FloatVector x) {
        return all(1).div(boundedExp(x.neg()).add(1));
    }

    static FloatVector tanh(FloatVector x) {
        FloatVector square = x.mul(x);
        FloatVector p = all(-5.70498872745e-3f);
        p = p.fma(square, all(2.06390887954e-2f));
        p = p.fma(square, all(-5.37397155531e-2f));
        p = p.fma(square, all(1.33314422036e-1f));
        p = p.fma(square, all(-3.33332819422e-1f));
        FloatVector small = p.mul(square).fma(x, x);
        FloatVector magnitude = x.abs();
        FloatVector large = all(1).sub(all(2).div(boundedExp(magnitude.add(magnitude)).add(1)));
        VectorMask<Float> negative = x.compare(VectorOperators.LT, 0);
        large = large.blend(large.neg(), negative);
        return small.blend(large, magnitude.compare(VectorOperators.GT, 0.625f));
    }

    /**
     * Returns the sum of the lanes, in one order for each vector width: halves added pairwise.
     *
     * @param scratch at least one vector long
     */
    static float sum(FloatVector v, float[] scratch) {
        v.intoArray(scratch, 0);
        for (int half = W / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                scratch[i] += scratch[i + half];
            }
        }
        return scratch[0];
    }

    /** Returns the largest lane; NaN if any is. */
    static float max(FloatVector v) {
        return v.reduceLanes(VectorOperators.MAX); // the largest is the same in any order
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(LANES, value);
    }
}
