package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import jdk.incubator.vector.FloatVector;

/**
 * The two products of attention for up to four queries of a key head, straight from the cache: a
 * decode step reads each key and value once, so packing them first would cost more than it saves.
 *
 * <p>Sums have the order of {@link Microkernels}, hence the same bits. Heads of whole vectors only.
 */
final class FewQueries {
    static final int MAX = 4;

    private FewQueries() {}

    /**
     * scores[m * stride + t] = scale * q[m] . k[t] for t in [begin, end), whole panels.
     *
     * @param queries where each query begins in q; MAX of them, copies of the last if there are less
     */
    static void scores(float[] q, int[] queries, float[] k, int k0, int[] offsets, int begin,
            int end, int dim, float scale, float[] scores, int stride) {
        int q0 = queries[0];
        int q1 = queries[1];
        int q2 = queries[2];
        int q3 = queries[3];
        for (int t = begin; t < end; t += W) {
            FloatVector s0 = FloatVector.zero(LANES);
            FloatVector s1 = FloatVector.zero(LANES);
            FloatVector s2 = FloatVector.zero(LANES);
            FloatVector s3 = FloatVector.zero(LANES);
            for (int i = 0; i < dim; i++) {
                FloatVector keys = FloatVector.fromArray(LANES, k, k0 + i, offsets, t);
                s0 = FloatVector.broadcast(LANES, q[q0 + i]).fma(keys, s0);
                s1 = FloatVector.broadcast(LANES, q[q1 + i]).fma(keys, s1);
                s2 = FloatVector.broadcast(LANES, q[q2 + i]).fma(keys, s2);
                s3 = FloatVector.broadcast(LANES, q[q3 + i]).fma(keys, s3);
            }
            s0.mul(scale).intoArray(scores, t);
            s1.mul(scale).intoArray(scores, stride + t);
            s2.mul(scale).intoArray(scores, 2 * stride + t);
            s3.mul(scale).intoArray(scores, 3 * stride + t);
        }
    }

    /** out[m] = factors[m] * sum over t in [begin, end) of weights[m * stride + t] * v[t]. */
    static void weigh(float[] weights, int stride, float[] v, int v0, int[] offsets, int begin,
            int end, int dim, float[] out, int o, int[] queries, float[] factors, int count) {
        for (int i = 0; i < dim; i += W) {
            FloatVector s0 = FloatVector.zero(LANES);
            FloatVector s1 = FloatVector.zero(LANES);
            FloatVector s2 = FloatVector.zero(LANES);
            FloatVector s3 = FloatVector.zero(LANES);
            for (int t = begin; t < end; t++) {
                FloatVector value = FloatVector.fromArray(LANES, v, v0 + offsets[t] + i);
                s0 = FloatVector.broadcast(LANES, weights[t]).fma(value, s0);
                s1 = FloatVector.broadcast(LANES, weights[stride + t]).fma(value, s1);
                s2 = FloatVector.broadcast(LANES, weights[2 * stride + t]).fma(value, s2);
                s3 = FloatVector.broadcast(LANES, weights[3 * stride + t]).fma(value, s3);
            }
            s0.mul(factors[0]).intoArray(out, o + queries[0] + i);
            if (count > 1) {
                s1.mul(factors[1]).intoArray(out, o + queries[1] + i);
            }
            if (count > 2) {
                s2.mul(factors[2]).intoArray(out, o + queries[2] + i);
            }
            if (count > 3) {
                s3.mul(factors[3]).intoArray(out, o + queries[3] + i);
            }
        }
    }
}
