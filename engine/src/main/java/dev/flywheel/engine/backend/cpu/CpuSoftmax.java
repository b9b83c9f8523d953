package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Kernels over one row of logits that begins at {@code at}. */
final class CpuSoftmax {
    private CpuSoftmax() {}

    static int argMax(float[] logits, int at, int vocab) {
        float max = max(logits, at, vocab);
        for (int i = 0; i < vocab; i++) {
            if (logits[at + i] == max) {
                return i;
            }
        }
        return firstLargest(logits, at, vocab); // a NaN is among them
    }

    private static int firstLargest(float[] logits, int at, int vocab) {
        int best = 0;
        for (int i = 1; i < vocab; i++) {
            if (logits[at + i] > logits[at + best]) {
                best = i;
            }
        }
        return best;
    }

    /** Returns the natural log of the sum of e^logit. */
    static double logSumExp(float[] logits, int at, int vocab, float[] scratch) {
        float max = max(logits, at, vocab);
        FloatVector sum = FloatVector.zero(LANES);
        int i = 0;
        for (int end = LANES.loopBound(vocab); i < end; i += W) {
            FloatVector x = FloatVector.fromArray(LANES, logits, at + i);
            sum = sum.add(VectorMath.expOfNegative(x.sub(max)));
        }
        if (i < vocab) {
            VectorMask<Float> rest = LANES.indexInRange(i, vocab);
            FloatVector x = FloatVector.fromArray(LANES, logits, at + i, rest);
            sum = sum.add(VectorMath.expOfNegative(x.sub(max)), rest);
        }
        return max + StrictMath.log(VectorMath.sum(sum, scratch));
    }

    /** dLogits += c * (onehot(target) - softmax(logits)). */
    static void logProbBackward(float[] dLogits, int d, float[] logits, int at, int target,
            float c, int vocab, float[] scratch) {
        float shift = (float) logSumExp(logits, at, vocab, scratch);
        FloatVector factor = FloatVector.broadcast(LANES, -c);
        int i = 0;
        for (int end = LANES.loopBound(vocab); i < end; i += W) {
            FloatVector p = VectorMath.exp(FloatVector.fromArray(LANES, logits, at + i).sub(shift));
            p.fma(factor, FloatVector.fromArray(LANES, dLogits, d + i)).intoArray(dLogits, d + i);
        }
        if (i < vocab) {
            VectorMask<Float> rest = LANES.indexInRange(i, vocab);
            FloatVector p = VectorMath.exp(
                    FloatVector.fromArray(LANES, logits, at + i, rest).sub(shift));
            p.fma(factor, FloatVector.fromArray(LANES, dLogits, d + i, rest))
                    .intoArray(dLogits, d + i, rest);
        }
        dLogits[d + target] += c;
    }

    /**
     * Returns sum p (log p - log q), p = softmax(reference), q = softmax(logits), as sum p (reference
     * - logits) + log-sum-exp of logits - that of reference: exact where the two are close.
     */
    static float klDivergence(float[] logits, int at, float[] reference, int ref, int vocab,
            float[] scratch) {
        double logQ = logSumExp(logits, at, vocab, scratch);
        double logP = logSumExp(reference, ref, vocab, scratch);
        float shift = (float) logP;
        FloatVector sum = FloatVector.zero(LANES);
        int i = 0;
        for (int end = LANES.loopBound(vocab); i < end; i += W) {
            FloatVector q = FloatVector.fromArray(LANES, logits, at + i);
            FloatVector p = FloatVector.fromArray(LANES, reference, ref + i);
            sum = sum.add(gain(p, q, shift));
        }
        if (i < vocab) {
            VectorMask<Float> rest = LANES.indexInRange(i, vocab);
            FloatVector q = FloatVector.fromArray(LANES, logits, at + i, rest);
            FloatVector p = FloatVector.fromArray(LANES, reference, ref + i, rest);
            sum = sum.add(gain(p, q, shift), rest);
        }
        return (float) (VectorMath.sum(sum, scratch) + logQ - logP);
    }

    /** p (reference - logits); nothing for an impossible token, also where that is infinite. */
    private static FloatVector gain(FloatVector reference, FloatVector logits, float logP) {
        FloatVector p = VectorMath.exp(reference.sub(logP));
        return reference.sub(logits).mul(p).blend(0, p.compare(VectorOperators.EQ, 0));
    }

    /** dLogits += c * (softmax(logits) - softmax(reference)). */
    static void klBackward(float[] dLogits, int d, float[] logits, int at, float[] reference,
            int ref, float c, int vocab, float[] scratch) {
        float logQ = (float) logSumExp(logits, at, vocab, scratch);
        float logP = (float) logSumExp(reference, ref, vocab, scratch);
        FloatVector factor = FloatVector.broadcast(LANES, c);
        int i = 0;
        for (int end = LANES.loopBound(vocab); i < end; i += W) {
            FloatVector q = VectorMath.exp(FloatVector.fromArray(LANES, logits, at + i).sub(logQ));
            FloatVector p = VectorMath
                    .exp(FloatVector.fromArray(LANES, reference, ref + i).sub(logP));
            q.sub(p)
                    .fma(factor, FloatVector.fromArray(LANES, dLogits, d + i))
                    .intoArray(dLogits, d + i);
        }
        if (i < vocab) {
            VectorMask<Float> rest = LANES.indexInRange(i, vocab);
            FloatVector q = VectorMath
                    .exp(FloatVector.fromArray(LANES, logits, at + i, rest).sub(logQ));
            FloatVector p = VectorMath
                    .exp(FloatVector.fromArray(LANES, reference, ref + i, rest).sub(logP));
            q.sub(p)
                    .fma(factor, FloatVector.fromArray(LANES, dLogits, d + i, rest))
                    .intoArray(dLogits, d + i, rest);
        }
    }

    static void routeExperts(int[] ids, int ids0, float[] weights, int weights0, float[] logits,
            int at, boolean normalize, int experts, int topK, float[] scratch) {
        double logSum = logSumExp(logits, at, experts, scratch);
        double[] p = new double[experts];
        for (int i = 0; i < experts; i++) {
            p[i] = StrictMath.exp(logits[at + i] - logSum);
        }
        double sum = 0;
        for (int k = 0; k < topK; k++) {
            int best = 0;
            for (int i = 1; i < experts; i++) {
                if (p[i] > p[best]) {
                    best = i;
                }
            }
            ids[ids0 + k] = best;
            weights[weights0 + k] = (float) p[best];
            sum += p[best];
            p[best] = -1; // taken
        }
        for (int k = 0; normalize && k < topK; k++) {
            weights[weights0 + k] = (float) (weights[weights0 + k] / sum);
        }
    }

    private static float max(float[] logits, int at, int vocab) {
        FloatVector max = FloatVector.broadcast(LANES, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (int end = LANES.loopBound(vocab); i < end; i += W) {
            max = max.max(FloatVector.fromArray(LANES, logits, at + i));
        }
        float largest = VectorMath.max(max);
        for (; i < vocab; i++) {
            largest = Math.max(largest, logits[at + i]);
        }
        return largest;
    }
}
