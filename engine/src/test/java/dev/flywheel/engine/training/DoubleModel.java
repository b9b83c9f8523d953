package dev.flywheel.engine.training;

import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.model.Experts;
import dev.flywheel.engine.model.Family;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.Rope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.IntStream;

/**
 * Every family once more, row by row in double, straight from the tensors' names: slow, and so plain
 * that finite differences of it can judge gradients.
 */
final class DoubleModel {
    private final ModelSpec spec;
    private final SafetensorsFile files;
    private final Map<String, double[]> cache = new HashMap<>();

    DoubleModel(ModelSpec spec, Path folder) {
        this.spec = spec;
        this.files = SafetensorsFile.read(folder.resolve("model.safetensors"), 1 << 24);
    }

    /**
     * Returns log-probabilities [rows][vocab].
     *
     * @param adapter A and B by their tensors' names, empty for the bare base
     */
    double[][] logProbs(PackedBatch batch, SortedMap<String, double[]> adapter, double scale) {
        int rows = batch.rows();
        double[][] x = new double[rows][];
        int hidden = spec.hiddenSize();
        for (int r = 0; r < rows; r++) {
            double[] table = weight("model.embed_tokens.weight");
            x[r] = Arrays.copyOfRange(
                    table, batch.tokens()[r] * hidden, (batch.tokens()[r] + 1) * hidden);
            for (int i = 0; i < hidden; i++) {
                x[r][i] *= spec.embeddingScale();
            }
        }
        for (int layer = 0; layer < spec.layers(); layer++) {
            attention(batch, layer, x, adapter, scale);
            for (int r = 0; r < rows; r++) {
                feedForward(layer, x[r], adapter, scale);
            }
        }
        double[] head = weight(spec.tiedEmbeddings() ? "model.embed_tokens.weight"
                : "lm_head.weight");
        double[][] out = new double[rows][];
        for (int r = 0; r < rows; r++) {
            double[] logits = multiply(head, norm(x[r], "model.norm.weight"), spec.vocabSize());
            out[r] = logSoftmax(capped(logits, spec.logitCap()));
        }
        return out;
    }

    private void attention(
            PackedBatch batch, int layer, double[][] x, SortedMap<String, double[]> adapter,
            double scale) {
        int rows = batch.rows();
        String prefix = "model.layers." + layer + ".";
        double[][] q = new double[rows][];
        double[][] k = new double[rows][];
        double[][] v = new double[rows][];
        int[] positions = positions(batch);
        for (int r = 0; r < rows; r++) {
            double[] normed = norm(x[r], prefix + "input_layernorm.weight");
            q[r] = linear(layer, Linear.QUERY, normed, adapter, scale);
            k[r] = linear(layer, Linear.KEY, normed, adapter, scale);
            v[r] = linear(layer, Linear.VALUE, normed, adapter, scale);
            if (spec.family().headNorms()) {
                q[r] = normHeads(q[r], prefix + "self_attn.q_norm.weight");
                k[r] = normHeads(k[r], prefix + "self_attn.k_norm.weight");
            }
            rotate(q[r], positions[r], spec.rope(layer));
            rotate(k[r], positions[r], spec.rope(layer));
        }
        for (int r = 0; r < rows; r++) {
            double[] attended = attend(batch, layer, r, positions, q[r], k, v);
            double[] given = linear(layer, Linear.OUTPUT, attended, adapter, scale);
            add(x[r], spec.family().normsAround()
                    ? norm(given, prefix + "post_attention_layernorm.weight")
                    : given);
        }
    }

    private double[] attend(
            PackedBatch batch, int layer, int row, int[] positions, double[] q, double[][] k,
            double[][] v) {
        int dim = spec.headDim();
        double[] out = new double[spec.queryDim()];
        int window = spec.attention().window(layer);
        int[] seen = IntStream.range(0, batch.rows())
                .filter(other -> sees(batch, row, other)
                        && (window == 0 || positions[row] - positions[other] < window))
                .toArray();
        for (int h = 0; h < spec.heads(); h++) {
            int kv = h / (spec.heads() / spec.kvHeads()) * dim;
            double[] scores = new double[seen.length];
            for (int j = 0; j < seen.length; j++) {
                for (int i = 0; i < dim; i++) {
                    scores[j] += q[h * dim + i] * k[seen[j]][kv + i];
                }
                scores[j] /= Math.sqrt(spec.attention().queryScalar());
            }
            double[] log = logSoftmax(capped(scores, spec.attention().softCap()));
            for (int j = 0; j < seen.length; j++) {
                for (int i = 0; i < dim; i++) {
                    out[h * dim + i] += Math.exp(log[j]) * v[seen[j]][kv + i];
                }
            }
        }
        return out;
    }

    private static boolean sees(PackedBatch batch, int row, int other) {
        PackedBatch.Segment own = segment(batch, row);
        PackedBatch.Segment theirs = segment(batch, other);
        boolean parent = own.parent() != PackedBatch.NO_PARENT
                && batch.segments().get(own.parent()).equals(theirs);
        return parent || (own.equals(theirs) && other <= row);
    }

    private static PackedBatch.Segment segment(PackedBatch batch, int row) {
        return batch.segments()
                .stream()
                .filter(s -> row >= s.start() && row < s.start() + s.length())
                .findFirst()
                .orElseThrow();
    }

    private static int[] positions(PackedBatch batch) {
        return IntStream.range(0, batch.rows()).map(row -> {
            PackedBatch.Segment own = segment(batch, row);
            int before = own.parent() == PackedBatch.NO_PARENT ? 0
                    : batch.segments().get(own.parent()).length();
            return before + row - own.start();
        }).toArray();
    }

    private void feedForward(
            int layer, double[] x, SortedMap<String, double[]> adapter, double scale) {
        String prefix = "model.layers." + layer + ".";
        boolean around = spec.family().normsAround();
        double[] normed = norm(x, prefix + (around ? "pre_feedforward_layernorm.weight"
                : "post_attention_layernorm.weight"));
        if (spec.isSparse(layer)) {
            experts(prefix, normed, x);
            return;
        }
        double[] gate = linear(layer, Linear.GATE, normed, adapter, scale);
        double[] up = linear(layer, Linear.UP, normed, adapter, scale);
        double[] given = linear(layer, Linear.DOWN, activated(gate, up), adapter, scale);
        add(x, around ? norm(given, prefix + "post_feedforward_layernorm.weight") : given);
    }

    private void experts(String prefix, double[] normed, double[] x) {
        boolean mixtral = spec.family() == Family.MIXTRAL;
        String block = prefix + (mixtral ? "block_sparse_moe." : "mlp.");
        Experts experts = spec.requireExperts();
        double[] log = logSoftmax(
                multiply(weight(block + "gate.weight"), normed, experts.count()));
        int[] chosen = IntStream.range(0, experts.count())
                .boxed()
                .sorted(Comparator.comparingDouble(e -> -log[e]))
                .limit(experts.perToken())
                .mapToInt(Integer::intValue)
                .toArray();
        double sum = Arrays.stream(chosen).mapToDouble(e -> Math.exp(log[e])).sum();
        for (int e : chosen) {
            String expert = block + "experts." + e + ".";
            int inner = experts.intermediateSize();
            double[] gate = multiply(
                    weight(expert + (mixtral ? "w1" : "gate_proj") + ".weight"), normed, inner);
            double[] up = multiply(
                    weight(expert + (mixtral ? "w3" : "up_proj") + ".weight"), normed, inner);
            double[] given = multiply(
                    weight(expert + (mixtral ? "w2" : "down_proj") + ".weight"),
                    activated(gate, up), spec.hiddenSize());
            for (int i = 0; i < x.length; i++) {
                x[i] += Math.exp(log[e]) / (experts.normalize() ? sum : 1) * given[i];
            }
        }
    }

    private double[] activated(double[] gate, double[] up) {
        double[] out = new double[gate.length];
        for (int i = 0; i < out.length; i++) {
            double g = gate[i];
            double inner = Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g);
            out[i] = up[i] * (spec.activation() == Activation.SILU
                    ? g / (1 + Math.exp(-g))
                    : g / 2 * (1 + Math.tanh(inner)));
        }
        return out;
    }

    private double[] linear(
            int layer, Linear linear, double[] x, SortedMap<String, double[]> adapter,
            double scale) {
        String module = linear.module(layer);
        int out = linear.out(spec);
        double[] y = multiply(weight(module + ".weight"), x, out);
        if (linear.hasBias(spec)) {
            add(y, weight(module + ".bias"));
        }
        double[] a = adapter.get("base_model.model." + module + ".lora_A.weight");
        if (a != null) {
            double[] b = adapter.get("base_model.model." + module + ".lora_B.weight");
            double[] more = multiply(b, multiply(a, x, a.length / x.length), out);
            for (int i = 0; i < out; i++) {
                y[i] += scale * more[i];
            }
        }
        return y;
    }

    private void rotate(double[] x, int position, Rope rope) {
        int half = spec.headDim() / 2;
        float[] frequencies = rope.inverseFrequencies(spec.headDim());
        for (int at = 0; at < x.length; at += spec.headDim()) {
            for (int i = 0; i < half; i++) {
                double cos = Math.cos((double) position * frequencies[i]);
                double sin = Math.sin((double) position * frequencies[i]);
                double low = x[at + i];
                double high = x[at + half + i];
                x[at + i] = rope.scaling().attentionFactor() * (low * cos - high * sin);
                x[at + half + i] = rope.scaling().attentionFactor() * (high * cos + low * sin);
            }
        }
    }

    private double[] normHeads(double[] x, String weight) {
        double[] out = new double[x.length];
        for (int at = 0; at < x.length; at += spec.headDim()) {
            double[] head = norm(Arrays.copyOfRange(x, at, at + spec.headDim()), weight);
            System.arraycopy(head, 0, out, at, head.length);
        }
        return out;
    }

    private double[] norm(double[] x, String name) {
        double[] weight = weight(name);
        double meanSquare = Arrays.stream(x).map(e -> e * e).average().orElseThrow();
        double[] out = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            out[i] = x[i] / Math.sqrt(meanSquare + spec.normEpsilon())
                    * (weight[i] + spec.family().normOffset());
        }
        return out;
    }

    private static double[] capped(double[] x, float cap) {
        return cap == 0 ? x : Arrays.stream(x).map(e -> cap * Math.tanh(e / cap)).toArray();
    }

    private static double[] logSoftmax(double[] x) {
        double max = Arrays.stream(x).max().orElseThrow();
        double log = max + Math.log(Arrays.stream(x).map(e -> Math.exp(e - max)).sum());
        return Arrays.stream(x).map(e -> e - log).toArray();
    }

    private static void add(double[] to, double[] x) {
        for (int i = 0; i < x.length; i++) {
            to[i] += x[i];
        }
    }

    private static double[] multiply(double[] w, double[] x, int out) {
        double[] y = new double[out];
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < x.length; i++) {
                y[o] += w[o * x.length + i] * x[i];
            }
        }
        return y;
    }

    private double[] weight(String name) {
        return cache.computeIfAbsent(name, n -> {
            float[] values = files.floats(n);
            return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
        });
    }
}
