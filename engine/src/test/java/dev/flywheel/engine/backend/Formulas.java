package dev.flywheel.engine.backend;

import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** What kernels compute forward, as their formulas say and in double: to take slopes of. */
final class Formulas {
    private Formulas() {}

    /** alpha * x * transpose(w). */
    static double[] matmul(double[] x, double[] w, double alpha, int rows, int in, int out) {
        double[] y = new double[rows * out];
        for (int i = 0; i < y.length; i++) {
            for (int c = 0; c < in; c++) {
                y[i] += alpha * x[i / out * in + c] * w[i % out * in + c];
            }
        }
        return y;
    }

    static double[] addBias(double[] x, double[] bias) {
        return each(x.length, i -> x[i] + bias[i % bias.length]);
    }

    static double[] rmsNorm(double[] x, double[] weight, double offset, double epsilon) {
        int dim = weight.length;
        double[] out = new double[x.length];
        for (int row = 0; row < x.length; row += dim) {
            double squares = 0;
            for (int i = row; i < row + dim; i++) {
                squares += x[i] * x[i];
            }
            double length = Math.sqrt(squares / dim + epsilon);
            for (int i = 0; i < dim; i++) {
                out[row + i] = x[row + i] / length * (weight[i] + offset);
            }
        }
        return out;
    }

    static double[] gated(double[] gate, double[] up, Activation activation) {
        return each(gate.length, i -> up[i] * switch (activation) {
            case SILU -> gate[i] / (1 + Math.exp(-gate[i]));
            case GELU_TANH -> 0.5 * gate[i] * (1 + Math.tanh(
                    Math.sqrt(2 / Math.PI) * (gate[i] + 0.044715 * Math.pow(gate[i], 3))));
        });
    }

    static double[] rope(
            double[] x, int[] positions, float[] frequencies, double scale, int heads) {
        int half = frequencies.length;
        double[] out = new double[x.length];
        for (int head = 0; head < positions.length * heads; head++) {
            for (int i = 0; i < half; i++) {
                double angle = positions[head / heads] * (double) frequencies[i];
                int at = head * 2 * half + i;
                double left = x[at];
                double right = x[at + half];
                out[at] = scale * (left * Math.cos(angle) - right * Math.sin(angle));
                out[at + half] = scale * (right * Math.cos(angle) + left * Math.sin(angle));
            }
        }
        return out;
    }

    static double[] softCap(double[] x, double cap) {
        return each(x.length, i -> cap * Math.tanh(x[i] / cap));
    }

    static double[] logProb(double[] logits, int[] targets, int vocab) {
        return each(targets.length,
                row -> logSoftmax(logits, row * vocab, vocab)[targets[row]]);
    }

    static double[] klDivergence(double[] logits, double[] reference, int vocab) {
        return each(logits.length / vocab, row -> {
            double[] p = logSoftmax(reference, row * vocab, vocab);
            double[] q = logSoftmax(logits, row * vocab, vocab);
            return IntStream.range(0, vocab).mapToDouble(t -> Math.exp(p[t]) * (p[t] - q[t])).sum();
        });
    }

    /** scale * table[ids[i]]. */
    static double[] embed(double[] table, int[] ids, double scale, int dim) {
        return each(ids.length * dim, i -> scale * table[ids[i / dim] * dim + i % dim]);
    }

    static double[] attention(
            double[] q, double[] k, double[] v, int[] spans, int[] positions,
            AttentionShape shape) {
        int dim = shape.headDim();
        double[] out = new double[q.length];
        for (int r = 0; r < positions.length; r++) {
            int row = r;
            int[] seen = IntStream.concat(
                    IntStream.range(spans[3 * r], spans[3 * r + 1]),
                    IntStream.rangeClosed(spans[3 * r + 2], r))
                    .filter(other -> shape.window() == 0
                            || positions[row] - positions[other] < shape.window())
                    .toArray();
            for (int h = 0; h < shape.heads(); h++) {
                int query = r * shape.queryDim() + h * dim;
                int kv = h / (shape.heads() / shape.kvHeads()) * dim;
                double[] scores = each(seen.length, j -> shape.scale()
                        * dot(q, query, k, seen[j] * shape.kvDim() + kv, dim));
                double[] p = logSoftmax(
                        shape.softCap() == 0 ? scores : softCap(scores, shape.softCap()), 0,
                        seen.length);
                for (int j = 0; j < seen.length; j++) {
                    for (int i = 0; i < dim; i++) {
                        out[query + i] += Math.exp(p[j]) * v[seen[j] * shape.kvDim() + kv + i];
                    }
                }
            }
        }
        return out;
    }

    private static double dot(double[] a, int atA, double[] b, int atB, int n) {
        return IntStream.range(0, n).mapToDouble(i -> a[atA + i] * b[atB + i]).sum();
    }

    private static double[] logSoftmax(double[] x, int from, int n) {
        double max = IntStream.range(from, from + n).mapToDouble(i -> x[i]).max().orElseThrow();
        double sum = IntStream.range(from, from + n).mapToDouble(i -> Math.exp(x[i] - max)).sum();
        return each(n, i -> x[from + i] - max - Math.log(sum));
    }

    private static double[] each(int n, IntToDoubleFunction value) {
        return IntStream.range(0, n).mapToDouble(value).toArray();
    }
}
