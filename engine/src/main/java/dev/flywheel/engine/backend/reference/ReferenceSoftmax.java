package dev.flywheel.engine.backend.reference;

/** Calls over rows of logits [rows, vocab]: softmax, its log, its divergences, its choices. */
final class ReferenceSoftmax {
    private ReferenceSoftmax() {}

    static void argMax(ReferenceBuffer ids, ReferenceBuffer logits, int rows, int vocab) {
        for (int r = 0; r < rows; r++) {
            int best = 0;
            for (int i = 1; i < vocab; i++) {
                if (logits.get((long) r * vocab + i) > logits.get((long) r * vocab + best)) {
                    best = i;
                }
            }
            ids.setIndex(r, best);
        }
    }

    static void logProb(ReferenceBuffer out, ReferenceBuffer logits, ReferenceBuffer targets,
            int rows, int vocab) {
        for (int r = 0; r < rows; r++) {
            double[] logProbs = logSoftmax(logits, r, vocab);
            out.set(r, logProbs[targets.index(r)]);
        }
    }

    /** dLogits[i] += coefficients[i] * (onehot(targets[i]) - softmax(logits[i])). */
    static void logProbBackward(ReferenceBuffer dLogits, ReferenceBuffer logits,
            ReferenceBuffer targets, ReferenceBuffer coefficients, int rows, int vocab) {
        for (int r = 0; r < rows; r++) {
            double[] logProbs = logSoftmax(logits, r, vocab);
            double c = coefficients.get(r);
            for (int i = 0; i < vocab; i++) {
                double oneHot = i == targets.index(r) ? 1 : 0;
                dLogits.addTo((long) r * vocab + i, c * (oneHot - Math.exp(logProbs[i])));
            }
        }
    }

    /** out[i] = sum p (log p - log q), p = softmax(reference[i]), q = softmax(logits[i]). */
    static void klDivergence(ReferenceBuffer out, ReferenceBuffer logits,
            ReferenceBuffer reference, int rows, int vocab) {
        for (int r = 0; r < rows; r++) {
            double[] logQ = logSoftmax(logits, r, vocab);
            double[] logP = logSoftmax(reference, r, vocab);
            double sum = 0;
            for (int i = 0; i < vocab; i++) {
                double p = Math.exp(logP[i]);
                sum += p == 0 ? 0 : p * (logP[i] - logQ[i]);
            }
            out.set(r, sum);
        }
    }

    /** dLogits[i] += coefficients[i] * (softmax(logits[i]) - softmax(reference[i])). */
    static void klDivergenceBackward(ReferenceBuffer dLogits, ReferenceBuffer logits,
            ReferenceBuffer reference, ReferenceBuffer coefficients, int rows, int vocab) {
        for (int r = 0; r < rows; r++) {
            double[] logQ = logSoftmax(logits, r, vocab);
            double[] logP = logSoftmax(reference, r, vocab);
            double c = coefficients.get(r);
            for (int i = 0; i < vocab; i++) {
                dLogits.addTo((long) r * vocab + i, c * (Math.exp(logQ[i]) - Math.exp(logP[i])));
            }
        }
    }

    static void routeExperts(ReferenceBuffer ids, ReferenceBuffer weights, ReferenceBuffer logits,
            boolean normalize, int rows, int experts, int topK) {
        for (int r = 0; r < rows; r++) {
            double[] p = logSoftmax(logits, r, experts);
            for (int i = 0; i < experts; i++) {
                p[i] = Math.exp(p[i]);
            }
            boolean[] taken = new boolean[experts];
            double sum = 0;
            for (int k = 0; k < topK; k++) {
                int best = largest(p, taken);
                taken[best] = true;
                sum += p[best];
                ids.setIndex((long) r * topK + k, best);
            }
            for (int k = 0; k < topK; k++) {
                double weight = p[ids.index((long) r * topK + k)];
                weights.set((long) r * topK + k, normalize ? weight / sum : weight);
            }
        }
    }

    private static int largest(double[] p, boolean[] taken) {
        int best = -1;
        for (int i = 0; i < p.length; i++) {
            if (!taken[i] && (best < 0 || p[i] > p[best])) {
                best = i;
            }
        }
        return best;
    }

    private static double[] logSoftmax(ReferenceBuffer logits, int r, int vocab) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < vocab; i++) {
            max = Math.max(max, logits.get((long) r * vocab + i));
        }
        double sum = 0;
        for (int i = 0; i < vocab; i++) {
            sum += Math.exp(logits.get((long) r * vocab + i) - max);
        }
        double logSum = max + Math.log(sum);
        double[] result = new double[vocab];
        for (int i = 0; i < vocab; i++) {
            result[i] = logits.get((long) r * vocab + i) - logSum;
        }
        return result;
    }
}
