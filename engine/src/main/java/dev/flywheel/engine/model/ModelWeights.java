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
    static final String HEAD = TensorNames.HEAD;

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
        shapes.put(TensorNames.EMBEDDING, List.of(spec.vocabSize(), hidden));
        shapes.put(TensorNames.FINAL_NORM, List.of(hidden));
        if (!spec.tiedEmbeddings()) {
            shapes.put(HEAD, List.of(spec.vocabSize(), hidden));
        }
        for (int layer = 0; layer < spec.layers(); layer++) {
            addNorms(spec, layer, shapes);
            for (Linear linear : Linear.of(spec, layer)) {
                shapes.put(linear.module(layer) + ".weight",
                        List.of(linear.out(spec), linear.in(spec)));
                if (linear.hasBias(spec)) {
                    shapes.put(linear.module(layer) + ".bias", List.of(linear.out(spec)));
                }
            }
            if (spec.isSparse(layer)) {
                addExperts(spec, spec.requireExperts(), layer, shapes);
            }
        }
        return shapes;
    }

    private static void addNorms(
            ModelSpec spec, int layer, SortedMap<String, List<Integer>> shapes) {
        TensorNames names = new TensorNames(spec.family());
        List<Integer> hidden = List.of(spec.hiddenSize());
        shapes.put(names.attentionNorm(layer), hidden);
        shapes.put(names.feedForwardNorm(layer), hidden);
        if (spec.family().normsAround()) {
            shapes.put(names.normAfterAttention(layer), hidden);
            shapes.put(names.normAfterFeedForward(layer), hidden);
        }
        if (spec.family().headNorms()) {
            shapes.put(names.queryNorm(layer), List.of(spec.headDim()));
            shapes.put(names.keyNorm(layer), List.of(spec.headDim()));
        }
    }

    private static void addExperts(
            ModelSpec spec, Experts experts, int layer, SortedMap<String, List<Integer>> shapes) {
        TensorNames names = new TensorNames(spec.family());
        List<Integer> widening = List.of(experts.intermediateSize(), spec.hiddenSize());
        List<Integer> narrowing = List.of(spec.hiddenSize(), experts.intermediateSize());
        shapes.put(names.router(layer), List.of(experts.count(), spec.hiddenSize()));
        for (int expert = 0; expert < experts.count(); expert++) {
            shapes.put(names.expertGate(layer, expert), widening);
            shapes.put(names.expertUp(layer, expert), widening);
            shapes.put(names.expertDown(layer, expert), narrowing);
        }
    }

    /** Asks the source for each tensor of {@link #shapes} once. */
    public static ModelWeights assemble(ModelSpec spec, Source source) {
        SortedMap<String, Buffer> buffers = new TreeMap<>();
        shapes(spec).forEach((name, shape) -> buffers.put(name, source.tensor(name, shape)));
        List<LayerWeights> layers = new ArrayList<>();
        for (int layer = 0; layer < spec.layers(); layer++) {
            layers.add(layer(spec, layer, buffers));
        }
        Buffer embedding = get(buffers, TensorNames.EMBEDDING);
        Buffer head = spec.tiedEmbeddings() ? embedding : get(buffers, HEAD);
        return new ModelWeights(embedding, layers, get(buffers, TensorNames.FINAL_NORM), head);
    }

    private static LayerWeights layer(
            ModelSpec spec, int layer, SortedMap<String, Buffer> buffers) {
        TensorNames names = new TensorNames(spec.family());
        List<LinearWeights> linears = new ArrayList<>();
        for (Linear linear : Linear.of(spec, layer)) {
            linears.add(new LinearWeights(
                    get(buffers, linear.module(layer) + ".weight"),
                    buffers.get(linear.module(layer) + ".bias"),
                    linear.in(spec),
                    linear.out(spec)));
        }
        LayerWeights.@Nullable HeadNorms heads = spec.family().headNorms()
                ? new LayerWeights.HeadNorms(
                        get(buffers, names.queryNorm(layer)), get(buffers, names.keyNorm(layer)))
                : null;
        LayerWeights.@Nullable NormsAround around = spec.family().normsAround()
                ? new LayerWeights.NormsAround(
                        get(buffers, names.normAfterAttention(layer)),
                        get(buffers, names.normAfterFeedForward(layer)))
                : null;
        return new LayerWeights(
                get(buffers, names.attentionNorm(layer)),
                get(buffers, names.feedForwardNorm(layer)),
                heads,
                around,
                linears,
                spec.isSparse(layer) ? experts(spec, layer, buffers) : null);
    }

    private static ExpertWeights experts(
            ModelSpec spec, int layer, SortedMap<String, Buffer> buffers) {
        TensorNames names = new TensorNames(spec.family());
        List<ExpertWeights.Expert> experts = new ArrayList<>();
        for (int expert = 0; expert < spec.requireExperts().count(); expert++) {
            experts.add(new ExpertWeights.Expert(
                    get(buffers, names.expertGate(layer, expert)),
                    get(buffers, names.expertUp(layer, expert)),
                    get(buffers, names.expertDown(layer, expert))));
        }
        return new ExpertWeights(get(buffers, names.router(layer)), experts);
    }

    private static Buffer get(SortedMap<String, Buffer> buffers, String name) {
        @Nullable Buffer buffer = buffers.get(name);
        if (buffer == null) {
            throw new IllegalStateException("no buffer for " + name);
        }
        return buffer;
    }
}
