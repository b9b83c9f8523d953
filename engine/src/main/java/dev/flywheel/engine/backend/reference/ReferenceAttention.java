package dev.flywheel.engine.backend.reference;

import dev.flywheel.engine.backend.AttentionShape;
import java.util.Arrays;

/**
 * Attention, paged and packed, and the gradient of the packed one.
 *
 * <p>Both forms make the list of cache or batch rows that a row sees, in order of position, and then
 * do the same: s = q k scale, soft-capped; p = softmax(s); out = sum p v.
 */
final class ReferenceAttention {
    private ReferenceAttention() {}

    static void paged(ReferenceBuffer out, ReferenceBuffer q, ReferenceBuffer keyCache,
            ReferenceBuffer valueCache, ReferenceBuffer rowSequences, ReferenceBuffer rowPositions,
            ReferenceBuffer blockTables, AttentionShape shape, int rows, int blocksPerSequence,
            int blockTokens) {
        for (int r = 0; r < rows; r++) {
            int last = rowPositions.index(r);
            int first = shape.window() == 0 ? 0 : Math.max(0, last - shape.window() + 1);
            long table = (long) rowSequences.index(r) * blocksPerSequence;
            long[] seen = new long[last - first + 1];
            for (int p = first; p <= last; p++) {
                seen[p - first] = (long) blockTables.index(table + p / blockTokens) * blockTokens
                        + p % blockTokens;
            }
            for (int h = 0; h < shape.heads(); h++) {
                attend(out, q, keyCache, valueCache, shape, r, h, seen);
            }
        }
    }

    static void packed(ReferenceBuffer out, ReferenceBuffer logSumExp, ReferenceBuffer q,
            ReferenceBuffer k, ReferenceBuffer v, ReferenceBuffer spans, ReferenceBuffer positions,
            AttentionShape shape, int rows) {
        for (int r = 0; r < rows; r++) {
            long[] seen = seenInBatch(spans, positions, shape, r);
            for (int h = 0; h < shape.heads(); h++) {
                double lse = attend(out, q, k, v, shape, r, h, seen);
                logSumExp.set((long) r * shape.heads() + h, lse);
            }
        }
    }

    /**
     * With p = exp(s - logSumExp) and d = dOut . out: dv += p dOut; ds = p (dOut . v - d), times
     * 1 - (s / cap)^2 when capped; dq += scale ds k; dk += scale ds q.
     */
    static void packedBackward(ReferenceBuffer dq, ReferenceBuffer dk, ReferenceBuffer dv,
            ReferenceBuffer dOut, ReferenceBuffer out, ReferenceBuffer logSumExp,
            ReferenceBuffer q, ReferenceBuffer k, ReferenceBuffer v, ReferenceBuffer spans,
            ReferenceBuffer positions, AttentionShape shape, int rows) {
        int dim = shape.headDim();
        double[] dqSum = new double[rows * shape.queryDim()];
        double[] dkSum = new double[rows * shape.kvDim()];
        double[] dvSum = new double[rows * shape.kvDim()];
        for (int r = 0; r < rows; r++) {
            long[] seen = seenInBatch(spans, positions, shape, r);
            for (int h = 0; h < shape.heads(); h++) {
                long query = (long) r * shape.queryDim() + (long) h * dim;
                double d = dot(dOut, query, out, query, dim);
                double lse = logSumExp.get((long) r * shape.heads() + h);
                for (long row : seen) {
                    long key = key(shape, row, h);
                    double s = score(q, query, k, key, shape);
                    double p = Math.exp(s - lse);
                    double ds = p * (dot(dOut, query, v, key, dim) - d);
                    if (shape.softCap() != 0) {
                        ds *= 1 - (s / shape.softCap()) * (s / shape.softCap());
                    }
                    for (int i = 0; i < dim; i++) {
                        dqSum[(int) query + i] += shape.scale() * ds * k.get(key + i);
                        dkSum[(int) key + i] += shape.scale() * ds * q.get(query + i);
                        dvSum[(int) key + i] += p * dOut.get(query + i);
                    }
                }
            }
        }
        addAll(dq, dqSum);
        addAll(dk, dkSum);
        addAll(dv, dvSum);
    }

    /** Writes out of one row and head; returns the natural log of the sum of exp(s). */
    private static double attend(ReferenceBuffer out, ReferenceBuffer q, ReferenceBuffer k,
            ReferenceBuffer v, AttentionShape shape, int r, int h, long[] seen) {
        int dim = shape.headDim();
        long query = (long) r * shape.queryDim() + (long) h * dim;
        double[] s = new double[seen.length];
        for (int j = 0; j < seen.length; j++) {
            s[j] = score(q, query, k, key(shape, seen[j], h), shape);
        }
        double max = Arrays.stream(s).max().orElseThrow();
        double sum = 0;
        for (double score : s) {
            sum += Math.exp(score - max);
        }
        double lse = max + Math.log(sum);
        for (int i = 0; i < dim; i++) {
            double total = 0;
            for (int j = 0; j < seen.length; j++) {
                total += Math.exp(s[j] - lse) * v.get(key(shape, seen[j], h) + i);
            }
            out.set(query + i, total);
        }
        return lse;
    }

    private static double score(ReferenceBuffer q, long query, ReferenceBuffer k, long key,
            AttentionShape shape) {
        double s = dot(q, query, k, key, shape.headDim()) * shape.scale();
        return shape.softCap() == 0 ? s : shape.softCap() * Math.tanh(s / shape.softCap());
    }

    private static long[] seenInBatch(ReferenceBuffer spans, ReferenceBuffer positions,
            AttentionShape shape, int r) {
        int prefixStart = spans.index(r * 3L);
        int prefixEnd = spans.index(r * 3L + 1);
        int ownStart = spans.index(r * 3L + 2);
        long[] seen = new long[prefixEnd - prefixStart + r - ownStart + 1];
        int count = 0;
        for (int j = 0; j < seen.length; j++) {
            int prefix = prefixEnd - prefixStart;
            int row = j < prefix ? prefixStart + j : ownStart + j - prefix;
            int distance = positions.index(r) - positions.index(row);
            if (shape.window() == 0 || distance < shape.window()) {
                seen[count++] = row;
            }
        }
        return Arrays.copyOf(seen, count);
    }

    private static long key(AttentionShape shape, long row, int head) {
        int kvHead = head / (shape.heads() / shape.kvHeads());
        return row * shape.kvDim() + (long) kvHead * shape.headDim();
    }

    private static double dot(ReferenceBuffer a, long atA, ReferenceBuffer b, long atB, int dim) {
        double sum = 0;
        for (int i = 0; i < dim; i++) {
            sum += (double) a.get(atA + i) * b.get(atB + i);
        }
        return sum;
    }

    private static void addAll(ReferenceBuffer gradient, double[] sums) {
        for (int i = 0; i < sums.length; i++) {
            gradient.addTo(i, sums[i]);
        }
    }
}
