package dev.flywheel.engine.training;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.adapters.safetensors.TensorType;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.ModelException;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import dev.flywheel.engine.model.RopeTables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Trains all parameters of a small model from scratch, with F32 master weights and AdamW.
 *
 * <p>The loss is the mean of -log p over a batch's targets. The same seed, batches and settings give the
 * same bits on one backend (P12). Not thread-safe; the caller closes it.
 */
public final class FullTraining implements AutoCloseable {
    private static final String WEIGHTS_FILE = "model.safetensors";
    private static final String CONFIG_FILE = "config.json";

    private final ModelSpec spec;
    private final List<String> names;
    private final List<List<Integer>> shapes;
    private final Parameters parameters;
    private final long decayed;
    private final ModelWeights gradients;
    private final RopeTables ropes;
    private final PackedPass pass;

    private FullTraining(ModelSpec spec, Backend backend, DeviceLoop loop, int rowsMax) {
        if (spec.isSparse()) {
            throw new ModelException(
                    ModelException.Code.UNSUPPORTED,
                    "all parameters of a " + spec.family().architecture()
                            + " cannot be trained, for it has experts; train an adapter on it");
        }
        this.spec = spec;
        SortedMap<String, List<Integer>> all = ModelWeights.shapes(spec);
        this.names = matricesFirst(all);
        this.shapes = names.stream().map(all::get).toList();
        int[] sizes = shapes.stream().mapToInt(FullTraining::elements).toArray();
        this.parameters = Parameters.allocate(backend, sizes);
        long matrices = 0;
        for (int i = 0; i < sizes.length; i++) {
            matrices += shapes.get(i).size() > 1 ? sizes[i] : 0;
        }
        this.decayed = matrices;
        Map<String, Integer> index = new HashMap<>();
        names.forEach(name -> index.put(name, index.size()));
        ModelWeights weights = ModelWeights.assemble(
                spec, (name, shape) -> parameters.value(indexOf(index, name)));
        this.gradients = ModelWeights.assemble(
                spec, (name, shape) -> parameters.gradient(indexOf(index, name)));
        this.ropes = RopeTables.of(backend, spec);
        this.pass = new PackedPass(backend, spec, weights, ropes, loop, rowsMax,
                HeadPass.LOGITS_ELEMENTS);
    }

    /** What one step did. */
    public record Step(double loss, double gradientNorm) {}

    /**
     * Draws fresh weights: matrices normal with the spec's deviation, norms acting as one, biases zero. Each tensor
     * has its own generator, split off the seed by its name.
     *
     * @param rowsMax rows of the largest batch
     */
    public static FullTraining start(
            ModelSpec spec, Backend backend, DeviceLoop loop, int rowsMax, long seed) {
        FullTraining training = new FullTraining(spec, backend, loop, rowsMax);
        SeededRandom root = new SeededRandom(seed);
        List<float[]> values = new ArrayList<>();
        for (int i = 0; i < training.names.size(); i++) {
            String name = training.names.get(i);
            values.add(draw(spec, name, training.shapes.get(i), root.split(name)));
        }
        training.parameters.setValues(values);
        return training;
    }

    /** Goes on from given weights, by their names in the files, with fresh moments. */
    public static FullTraining from(
            ModelSpec spec, Map<String, float[]> weights, Backend backend, DeviceLoop loop,
            int rowsMax) {
        FullTraining training = new FullTraining(spec, backend, loop, rowsMax);
        training.parameters.setValues(training.names.stream().map(name -> {
            float[] values = weights.get(name);
            if (values == null) {
                throw new IllegalArgumentException("no weights for " + name);
            }
            return values;
        }).toList());
        return training;
    }

    public ModelSpec spec() {
        return spec;
    }

    /** Returns the number of trained elements. */
    public long parameterCount() {
        return parameters.total();
    }

    public int rowsMax() {
        return pass.rowsMax();
    }

    /** Returns the mean of -log p over the targets, without learning anything. */
    public double loss(PackedBatch batch) {
        double[] logProbs = logProbs(batch);
        return -Arrays.stream(logProbs).average().orElse(0);
    }

    /** Returns log p of each target, without learning anything. */
    public double[] logProbs(PackedBatch batch) {
        pass.begin(batch);
        pass.forward(null);
        return pass.head().forward(pass.output());
    }

    /**
     * Adds the gradient of {@code weight} times the batch's mean loss to the step's; returns the mean loss.
     * So that a step of many rows can be put together from several batches.
     */
    public double accumulate(PackedBatch batch, double weight) {
        double[] weights = new double[batch.targets().size()];
        Arrays.fill(weights, weight / weights.length);
        return accumulate(batch, weights) / weight;
    }

    /**
     * Adds the gradient of the weighted sum of -log p over the targets to the step's; returns that sum.
     *
     * @param weights one for each target
     */
    public double accumulate(PackedBatch batch, double[] weights) {
        double[] coefficients = new double[weights.length];
        for (int i = 0; i < weights.length; i++) {
            coefficients[i] = -weights[i];
        }
        pass.begin(batch);
        pass.forward(null);
        pass.beginBackward();
        double[] logProbs = pass.head()
                .forwardBackward(
                        pass.output(), coefficients, pass.dResidual(), gradients);
        pass.backward(gradients);
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            sum += coefficients[i] * logProbs[i];
        }
        return sum;
    }

    /**
     * Takes a step along what was accumulated, shortened to {@code normMax}; returns the norm it had.
     * Norms and biases do not decay.
     *
     * @throws ArithmeticException if the gradient is not finite; nothing is changed then
     */
    public double step(AdamW settings, double normMax) {
        double norm = parameters.gradientNorm();
        if (!Double.isFinite(norm)) {
            throw new ArithmeticException(
                    "the gradient's norm is " + norm + " at step " + (parameters.step() + 1)
                            + "; lower the learning rate");
        }
        AdamW undecayed = new AdamW(
                settings.learningRate(), settings.beta1(), settings.beta2(), settings.epsilon(), 0);
        double scale = norm > normMax ? normMax / norm : 1;
        pass.unit(s -> parameters.step(settings, undecayed, decayed, scale));
        return norm;
    }

    /** Takes one step on one batch. */
    public Step step(PackedBatch batch, AdamW settings, double normMax) {
        double loss = accumulate(batch, 1);
        return new Step(loss, step(settings, normMax));
    }

    /** Takes one step on one batch whose targets count by their weights; the loss is the weighted sum. */
    public Step step(PackedBatch batch, double[] weights, AdamW settings, double normMax) {
        double loss = accumulate(batch, weights);
        return new Step(loss, step(settings, normMax));
    }

    /** Returns the weights by their names in the files. */
    public SortedMap<String, float[]> weights() {
        return named(parameters.values());
    }

    /** Returns the accumulated gradient by the weights' names. */
    public SortedMap<String, float[]> gradients() {
        return named(parameters.gradients());
    }

    /** Writes {@code model.safetensors} in BF16 and {@code config.json}, each whole or not at all. */
    public void save(Path folder) {
        SafetensorsWriter writer = new SafetensorsWriter();
        List<float[]> values = parameters.values();
        for (int i = 0; i < names.size(); i++) {
            int[] shape = shapes.get(i).stream().mapToInt(Integer::intValue).toArray();
            writer.add(names.get(i), TensorType.BF16, values.get(i), shape);
        }
        try {
            Files.createDirectories(folder);
            write(folder, CONFIG_FILE, spec.toConfigJson("bfloat16"));
            write(folder, WEIGHTS_FILE, writer.toBytes());
        } catch (IOException e) {
            throw new ModelException(
                    ModelException.Code.UNREADABLE,
                    "the model folder cannot be written (" + FileProblem.words(e) + ")", e);
        }
    }

    @Override
    public void close() {
        pass.close();
        parameters.close();
        ropes.close();
    }

    private static void write(Path folder, String name, byte[] bytes) throws IOException {
        Path part = folder.resolve(name + ".part");
        Files.write(part, bytes);
        Files.move(part, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    private SortedMap<String, float[]> named(List<float[]> tensors) {
        SortedMap<String, float[]> byName = new TreeMap<>();
        for (int i = 0; i < names.size(); i++) {
            byName.put(names.get(i), tensors.get(i));
        }
        return byName;
    }

    private static List<String> matricesFirst(SortedMap<String, List<Integer>> shapes) {
        List<String> ordered = new ArrayList<>();
        shapes.forEach((name, shape) -> {
            if (shape.size() > 1) {
                ordered.add(name);
            }
        });
        shapes.forEach((name, shape) -> {
            if (shape.size() == 1) {
                ordered.add(name);
            }
        });
        return ordered;
    }

    private static float[] draw(
            ModelSpec spec, String name, List<Integer> shape, SeededRandom random) {
        float[] values = new float[elements(shape)];
        if (shape.size() > 1) {
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (spec.initializerRange() * random.nextGaussian());
            }
        } else if (name.endsWith(".weight")) {
            Arrays.fill(values, 1 - spec.family().normOffset());
        }
        return values;
    }

    private static int elements(List<Integer> shape) {
        return shape.stream().reduce(1, Math::multiplyExact);
    }

    private static int indexOf(Map<String, Integer> index, String name) {
        Integer found = index.get(name);
        if (found == null) {
            throw new IllegalStateException("no parameter " + name);
        }
        return found;
    }
}
