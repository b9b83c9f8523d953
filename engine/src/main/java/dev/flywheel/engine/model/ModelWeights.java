package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All weights of a model on the device, or all their gradients.
 *
 * @param embedding [vocab, hidden]
 * @param head [vocab, hidden]; the embedding itself where the two are tied
 */
public record ModelWeights(
        Buffer embedding,
        List<LayerWeights> layers,
        Buffer finalNorm,
        Buffer head) {
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String FINAL_NORM = "model.norm.weight";
    static final String HEAD = "lm_head.weight";

    public ModelWeights {
        layers = List.copyOf(layers);
    }

    /** Where the buffers come from: mapped files, fresh memory, a slice of one large buffer. */
    @FunctionalInterface
    public interface Source {
        Buffer tensor(String name, List<Integer> shape);
    }

    /** Returns the shape of every tensor that a model of this spec has, by its name in the files. */
    public static SortedMap<String, List<Integer>> shapes(ModelSpec spec) {
        SortedMap<String, List<Integer>> shapes = new TreeMap<>();
        int hidden = spec.hiddenSize();
        shapes.put(EMBEDDING, List.of(spec.vocabSize(), hidden));
        shapes.put(FINAL_NORM, List.of(hidden));
        if (!spec.tiedEmbeddings()) {
            shapes.put(HEAD, List.of(spec.vocabSize(), hidden));
        }
        for (int layer = 0; layer < spec.layers(); layer++) {
            shapes.put(attentionNorm(layer), List.of(hidden));
            shapes.put(feedForwardNorm(layer), List.of(hidden));
            for (Linear linear : Linear.ALL) {
                shapes.put(linear.module(layer) + ".weight",
                        List.of(linear.out(spec), linear.in(spec)));
                if (linear.hasBias(spec)) {
                    shapes.put(linear.module(layer) + ".bias", List.of(linear.out(spec)));
                }
            }
        }
        return shapes;
    }

    /** Asks the source for each tensor of {@link #shapes} once. */
    public static ModelWeights assemble(ModelSpec spec, Source source) {
        SortedMap<String, Buffer> buffers = new TreeMap<>();
        shapes(spec).forEach((name, shape) -> buffers.put(name, source.tensor(name, shape)));
        List<LayerWeights> layers = new ArrayList<>();
        for (int layer = 0; layer < spec.layers(); layer++) {
            List<LinearWeights> linears = new ArrayList<>();
            for (Linear linear : Linear.ALL) {
                linears.add(new LinearWeights(
                        get(buffers, linear.module(layer) + ".weight"),
                        buffers.get(linear.module(layer) + ".bias"),
                        linear.in(spec),
                        linear.out(spec)));
            }
            layers.add(new LayerWeights(
                    get(buffers, attentionNorm(layer)), get(buffers, feedForwardNorm(layer)),
                    linears));
        }
        Buffer embedding = get(buffers, EMBEDDING);
        Buffer head = spec.tiedEmbeddings() ? embedding : get(buffers, HEAD);
        return new ModelWeights(embedding, layers, get(buffers, FINAL_NORM), head);
    }

    private static Buffer get(SortedMap<String, Buffer> buffers, String name) {
        @Nullable Buffer buffer = buffers.get(name);
        if (buffer == null) {
            throw new IllegalStateException("no buffer for " + name);
        }
        return buffer;
    }

    private static String attentionNorm(int layer) {
        return "model.layers." + layer + ".input_layernorm.weight";
    }

    private static String feedForwardNorm(int layer) {
        return "model.layers." + layer + ".post_attention_layernorm.weight";
    }
}
