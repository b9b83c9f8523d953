package dev.flywheel.engine.model;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.adapters.safetensors.TensorEntry;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.staging.HostMemory;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The frozen weights of a base model, mapped from a Hugging Face folder and known by their digest.
 *
 * <p>Immutable and thread-safe; serving and training share one copy. {@link #close} unmaps the
 * weights, after the last call that uses them; it does not close the backend.
 */
public final class BaseModel implements AutoCloseable {
    private static final String CONFIG = "config.json";
    /** Older files carry the rotation's frequencies; they follow from the configuration. */
    private static final Pattern DERIVED = Pattern.compile(
            "model\\.layers\\.\\d+\\.self_attn\\.rotary_emb\\.inv_freq");

    private final ModelSpec spec;
    private final Digest digest;
    private final Backend backend;
    private final HostMemory memory;
    private final List<Buffer> owned;
    private final ModelWeights weights;
    private final WeightFormat format;
    private final RopeTables ropes;

    private BaseModel(
            ModelSpec spec, Digest digest, Backend backend, HostMemory memory, List<Buffer> owned,
            ModelWeights weights, WeightFormat format) {
        this.spec = spec;
        this.format = format;
        this.digest = digest;
        this.backend = backend;
        this.memory = memory;
        this.owned = owned;
        this.weights = weights;
        this.ropes = RopeTables.of(backend, spec);
    }

    /** Loads a folder and holds its weights as they are stored. */
    public static BaseModel load(Path folder, Backend backend) {
        return load(folder, backend, WeightFormat.STORED);
    }

    /**
     * Loads a folder with {@code config.json} and safetensors weights.
     *
     * @throws ModelException if anything about the folder is not supported or does not fit together
     */
    public static BaseModel load(Path folder, Backend backend, LoadProgress progress) {
        return load(folder, backend, WeightFormat.STORED, progress);
    }

    /** As the longer form, telling nobody. */
    public static BaseModel load(Path folder, Backend backend, WeightFormat format) {
        return load(folder, backend, format, LoadProgress.NONE);
    }

    /** As the shorter form, telling how far the weights are read. */
    public static BaseModel load(
            Path folder, Backend backend, WeightFormat format, LoadProgress progress) {
        if (!Files.isRegularFile(folder.resolve(CONFIG))) {
            throw new ModelException(
                    ModelException.Code.UNREADABLE,
                    "the model folder has no " + CONFIG + "; expected a Hugging Face model folder");
        }
        ModelSpec configured = ModelSpec.parse(WeightFiles.bytes(folder.resolve(CONFIG)));
        HostMemory memory = new HostMemory();
        List<Buffer> owned = new ArrayList<>();
        try {
            WeightFiles files = WeightFiles.open(folder, memory.arena());
            TiedHead settled = TiedHead.settle(configured, files.tensors());
            ModelSpec spec = settled.spec();
            SortedMap<String, WeightFiles.Mapped> tensors = settled.tensors();
            requireExactly(spec, tensors);
            BaseDigest digest = new BaseDigest(Stream.concat(
                    Stream.of(folder.resolve(CONFIG)), files.files().stream()).toList());
            LoadSteps steps = new LoadSteps(
                    progress, digest.bytes() + bytesToQuantize(spec, format, tensors));
            ModelWeights weights = ModelWeights.assemble(spec, (name, shape) -> {
                DType quantized = format.quantized(spec, name);
                WeightFiles.Mapped mapped = checked(tensors, name, shape);
                Buffer buffer = quantized == null
                        ? backend.wrap(WeightFiles.dtype(mapped.entry()), mapped.bytes())
                        : quantize(backend, mapped, quantized, memory);
                owned.add(buffer);
                steps.advance(quantized == null ? 0 : mapped.bytes().byteSize());
                return buffer;
            });
            return new BaseModel(
                    spec, digest.of(format, steps), backend, memory, owned, weights, format);
        } catch (RuntimeException e) {
            owned.forEach(Buffer::close);
            memory.close();
            throw e;
        }
    }

    public ModelSpec spec() {
        return spec;
    }

    /**
     * Returns the SHA-256 over the configuration and the weight files, each with its name, and over
     * how they are quantized if they are: what was learned on one is not known to hold on another.
     */
    public Digest digest() {
        return digest;
    }

    public Backend backend() {
        return backend;
    }

    /** Returns how the linear modules are held. */
    public WeightFormat format() {
        return format;
    }

    public ModelWeights weights() {
        return weights;
    }

    /** Returns the rotation of each layer. */
    public RopeTables ropes() {
        return ropes;
    }

    /** Returns every module that may carry an adapter, by its full name. */
    public SortedMap<String, ModuleShape> linearModules() {
        return linearModules(spec);
    }

    /** Returns every module of such a model that may carry an adapter, by its full name. */
    public static SortedMap<String, ModuleShape> linearModules(ModelSpec spec) {
        SortedMap<String, ModuleShape> modules = new TreeMap<>();
        for (int layer = 0; layer < spec.layers(); layer++) {
            for (Linear linear : Linear.of(spec, layer)) {
                modules.put(linear.module(layer),
                        new ModuleShape(linear.in(spec), linear.out(spec)));
            }
        }
        return Collections.unmodifiableSortedMap(modules);
    }

    @Override
    public void close() {
        ropes.close();
        owned.forEach(Buffer::close);
        memory.close();
    }

    private static void requireExactly(
            ModelSpec spec, SortedMap<String, WeightFiles.Mapped> tensors) {
        SortedMap<String, List<Integer>> expected = ModelWeights.shapes(spec);
        for (String name : expected.keySet()) {
            if (!tensors.containsKey(name)) {
                throw mismatch("the weights lack " + name + ", which " + CONFIG + " asks for");
            }
        }
        for (String name : tensors.keySet()) {
            boolean tiedHead = spec.tiedEmbeddings() && name.equals(ModelWeights.HEAD);
            if (!expected.containsKey(name) && !tiedHead && !DERIVED.matcher(name).matches()) {
                throw mismatch("the weights hold " + brief(name)
                        + ", which a " + spec.family().architecture() + " with "
                        + spec.layers() + " layers does not have");
            }
        }
    }

    private static long bytesToQuantize(
            ModelSpec spec, WeightFormat format,
            SortedMap<String, WeightFiles.Mapped> tensors) {
        return tensors.entrySet()
                .stream()
                .filter(tensor -> format.quantized(spec, tensor.getKey()) != null)
                .mapToLong(tensor -> tensor.getValue().bytes().byteSize())
                .sum();
    }

    private static Buffer quantize(
            Backend backend, WeightFiles.Mapped mapped, DType type, HostMemory memory) {
        long elements = WeightFiles.dtype(mapped.entry()).elements(mapped.bytes().byteSize());
        MemorySegment host = memory.arena().allocate(Quantizer.bytes(type, elements), Long.BYTES);
        Quantizer.Source stored =
                StoredFloats.of(WeightFiles.dtype(mapped.entry()), mapped.bytes());
        if (!Quantizer.quantize(type, stored, elements, host)) {
            throw new ModelException(
                    ModelException.Code.UNSUPPORTED,
                    mapped.entry().name()
                            + " cannot be quantized: it holds a weight that is not a number from"
                            + " -65504 to 65504; load it with weights stored");
        }
        return backend.wrap(type, host);
    }

    private static WeightFiles.Mapped checked(
            SortedMap<String, WeightFiles.Mapped> tensors, String name, List<Integer> shape) {
        WeightFiles.Mapped mapped = tensors.get(name);
        if (mapped == null) {
            throw new IllegalStateException("no tensor " + name);
        }
        TensorEntry entry = mapped.entry();
        List<Long> expected = shape.stream().map(Integer::longValue).toList();
        if (!entry.shape().equals(expected)) {
            throw mismatch(name + " has shape " + entry.shape() + ", " + CONFIG + " asks for "
                    + expected);
        }
        return mapped;
    }

    private static ModelException mismatch(String message) {
        return new ModelException(ModelException.Code.MISMATCH, message);
    }

    private static String brief(String name) {
        int shownMax = 120;
        return name.length() <= shownMax ? name : name.substring(0, shownMax) + "...";
    }
}
