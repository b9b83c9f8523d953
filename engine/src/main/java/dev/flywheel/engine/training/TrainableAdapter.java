package dev.flywheel.engine.training;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.adapters.lora.OptimizerState;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.ModelSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An adapter on the device while it learns: weights, two gradients, two moments.
 *
 * <p>Backward passes add to the gradient of the present example. {@link #accumulate} moves it, scaled,
 * into the gradient of the step, which is where clipping per example happens. Not thread-safe; belongs
 * to the training pass's stream; the caller closes it.
 */
public final class TrainableAdapter implements AutoCloseable {
    private static final String PREFIX = "base_model.model.";
    private static final String A_SUFFIX = ".lora_A.weight";
    private static final String B_SUFFIX = ".lora_B.weight";

    private final LoraConfig config;
    private final List<LoraPair> pairs;
    private final Parameters parameters;
    private final @Nullable AdapterPart[][] parts;
    private int lowestLayer;

    private TrainableAdapter(BaseModel model, LoraWeights weights) {
        ModelSpec spec = model.spec();
        this.config = weights.config();
        this.pairs = List.copyOf(weights.pairs().values());
        this.parameters = Parameters.allocate(model.backend(), sizes(pairs));
        this.parts = new @Nullable AdapterPart[spec.layers()][Linear.ALL.size()];
        this.lowestLayer = spec.layers();
        Map<String, AdapterPart> byModule = new HashMap<>();
        for (int i = 0; i < pairs.size(); i++) {
            byModule.put(pairs.get(i).module(), part(i));
        }
        for (int layer = 0; layer < spec.layers(); layer++) {
            for (Linear linear : Linear.ALL) {
                @Nullable AdapterPart part = byModule.get(linear.module(layer));
                parts[layer][linear.ordinal()] = part;
                if (part != null && lowestLayer == spec.layers()) {
                    lowestLayer = layer;
                }
            }
        }
    }

    /**
     * Copies weights, and where training goes on the optimizer's moments, to the device.
     *
     * @throws IllegalArgumentException if the weights are not for this model or the moments not for these
     *     weights
     */
    public static TrainableAdapter of(
            BaseModel model, LoraWeights weights, @Nullable OptimizerState state) {
        requireFits(model, weights);
        TrainableAdapter adapter = new TrainableAdapter(model, weights);
        try {
            adapter.parameters.setValues(adapter.inOrder(weightsByName(weights)));
            if (state != null) {
                adapter.parameters.setMoments(
                        adapter.inOrder(state.m()), adapter.inOrder(state.v()), state.step());
            }
            return adapter;
        } catch (RuntimeException e) {
            adapter.close();
            throw e;
        }
    }

    /** Returns the weights as they are now. */
    public LoraWeights weights() {
        List<float[]> values = parameters.values();
        SortedMap<String, LoraPair> now = new TreeMap<>();
        for (int i = 0; i < pairs.size(); i++) {
            LoraPair old = pairs.get(i);
            now.put(old.module(), new LoraPair(
                    old.module(), old.rank(), old.inFeatures(), old.outFeatures(),
                    values.get(2 * i),
                    values.get(2 * i + 1)));
        }
        return new LoraWeights(config, now);
    }

    /** Returns the optimizer's moments, named as the tensors. */
    public OptimizerState optimizerState() {
        return new OptimizerState(
                parameters.step(), byName(parameters.firstMoments()),
                byName(parameters.secondMoments()));
    }

    /** Returns the gradient of the present example, named as the tensors. */
    public SortedMap<String, float[]> gradients() {
        return byName(parameters.gradients());
    }

    /** Forgets the gradients of the present example and of the step. */
    public void zeroGradients() {
        parameters.zeroGradients();
    }

    /** Returns the Euclidean norm of the present example's gradient; not finite if an element is not. */
    public double gradientNorm() {
        return parameters.gradientNorm();
    }

    /** Adds {@code factor} times the present example's gradient to the step's and begins a new one. */
    public void accumulate(double factor) {
        parameters.accumulate(factor);
    }

    /** Returns the Euclidean norm of the step's gradient as accumulated so far. */
    public double accumulatedNorm() {
        return parameters.accumulatedNorm();
    }

    /** Hands out the step's gradient as accumulated so far, tensor by tensor, and begins a new one. */
    public List<float[]> takeAccumulated() {
        return parameters.takeAccumulated();
    }

    /** Puts a gradient, tensor by tensor, in the place of the step's. */
    public void setAccumulated(List<float[]> tensors) {
        parameters.setAccumulated(tensors);
    }

    /** Returns the number of elements that are trained. */
    public long elements() {
        return parameters.total();
    }

    /**
     * Takes one AdamW step along {@code gradientScale} times the step's gradient, in which a gradient not
     * yet accumulated counts once; then forgets both.
     */
    public void step(AdamW settings, double gradientScale) {
        parameters.step(settings, gradientScale);
    }

    @Override
    public void close() {
        parameters.close();
    }

    /** Returns the module's part, or null if the adapter leaves it alone. */
    @Nullable
    AdapterPart part(int layer, Linear linear) {
        return parts[layer][linear.ordinal()];
    }

    /** Returns the lowest layer with an adapter: gradients below it are of no use. */
    int lowestLayer() {
        return lowestLayer;
    }

    int rankMax() {
        return pairs.stream().mapToInt(LoraPair::rank).max().orElse(1);
    }

    private AdapterPart part(int pair) {
        LoraPair shape = pairs.get(pair);
        return new AdapterPart(
                shape.rank(),
                shape.inFeatures(),
                shape.outFeatures(),
                (float) config.scaleOf(shape.module()),
                parameters.value(2 * pair),
                parameters.value(2 * pair + 1),
                parameters.gradient(2 * pair),
                parameters.gradient(2 * pair + 1));
    }

    private static int[] sizes(List<LoraPair> pairs) {
        int[] sizes = new int[2 * pairs.size()];
        for (int i = 0; i < pairs.size(); i++) {
            sizes[2 * i] = pairs.get(i).a().length;
            sizes[2 * i + 1] = pairs.get(i).b().length;
        }
        return sizes;
    }

    private static SortedMap<String, float[]> weightsByName(LoraWeights weights) {
        SortedMap<String, float[]> named = new TreeMap<>();
        weights.pairs().forEach((module, pair) -> {
            named.put(PREFIX + module + A_SUFFIX, pair.a());
            named.put(PREFIX + module + B_SUFFIX, pair.b());
        });
        return named;
    }

    private SortedMap<String, float[]> byName(List<float[]> inOrder) {
        SortedMap<String, float[]> named = new TreeMap<>();
        List<String> names = names();
        for (int i = 0; i < names.size(); i++) {
            named.put(names.get(i), inOrder.get(i));
        }
        return named;
    }

    private List<float[]> inOrder(SortedMap<String, float[]> named) {
        List<float[]> ordered = new ArrayList<>();
        List<String> names = names();
        for (String name : names) {
            float[] values = named.get(name);
            if (values == null || named.size() != names.size()) {
                throw new IllegalArgumentException(
                        "the optimizer state is of other tensors: has " + named.size()
                                + ", expected " + names.size() + " with " + name);
            }
            ordered.add(values);
        }
        return ordered;
    }

    private List<String> names() {
        List<String> names = new ArrayList<>();
        for (LoraPair pair : pairs) {
            names.add(PREFIX + pair.module() + A_SUFFIX);
            names.add(PREFIX + pair.module() + B_SUFFIX);
        }
        return names;
    }

    private static void requireFits(BaseModel model, LoraWeights weights) {
        SortedMap<String, ModuleShape> modules = model.linearModules();
        for (LoraPair pair : weights.pairs().values()) {
            ModuleShape shape = modules.get(pair.module());
            if (shape == null || shape.inFeatures() != pair.inFeatures()
                    || shape.outFeatures() != pair.outFeatures()) {
                throw new IllegalArgumentException(
                        "the adapter has module " + pair + ", the base model has "
                                + (shape == null ? "none of that name" : shape.toString()));
            }
        }
    }
}
