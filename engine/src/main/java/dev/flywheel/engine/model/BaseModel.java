package dev.flywheel.engine.model;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.adapters.safetensors.TensorEntry;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.staging.HostMemory;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The frozen weights of a base model, mapped from a Hugging Face folder and known by their digest.
 *
 * <p>Immutable and thread-safe; serving and training share one copy. {@link #close} unmaps the
 * weights, after the last call that uses them; it does not close the backend.
 */
public final class BaseModel implements AutoCloseable {
    private static final String CONFIG = "config.json";
    private static final int PIECE_BYTES = 1 << 18;
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
            ModelWeights weights = ModelWeights.assemble(spec, (name, shape) -> {
                DType quantized = format.quantized(spec, name);
                Buffer buffer = quantized == null
                        ? wrap(backend, checked(tensors, name, shape))
                        : quantize(backend, checked(tensors, name, shape), quantized, memory);
                owned.add(buffer);
                return buffer;
            });
            return new BaseModel(
                    spec, digest(folder, files, format, progress), backend, memory, owned, weights,
                    format);
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

    private static Buffer wrap(Backend backend, WeightFiles.Mapped mapped) {
        return backend.wrap(WeightFiles.dtype(mapped.entry()), mapped.bytes());
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

    private static Digest digest(
            Path folder, WeightFiles files, WeightFormat format, LoadProgress progress) {
        Digest.Stream digest = Digest.stream();
        try {
            List<Path> all = new ArrayList<>(List.of(folder.resolve(CONFIG)));
            all.addAll(files.files());
            long of = 0;
            for (Path file : all) {
                of += Files.size(file);
            }
            long done = 0;
            for (Path file : all) {
                digest.field(String.valueOf(file.getFileName()));
                digest.field(Long.toString(Files.size(file)));
                done = digest(file, digest, progress, done, of);
            }
        } catch (IOException e) {
            throw new ModelException(
                    ModelException.Code.UNREADABLE, "the model folder cannot be read: " + e, e);
        }
        if (format != WeightFormat.STORED) {
            digest.field(format.identity());
        }
        return digest.finish();
    }

    /** Takes a file in pieces; returns the bytes done so far. */
    private static long digest(
            Path file, Digest.Stream digest, LoadProgress progress, long doneBefore, long of)
            throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        long done = doneBefore;
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
                digest.update(piece, 0, read);
                long step = Math.max(1, of / LoadProgress.STEPS);
                if ((done + read) / step > done / step) {
                    progress.read(done + read, of);
                }
                done += read;
            }
        }
        return done;
    }

    private static ModelException mismatch(String message) {
        return new ModelException(ModelException.Code.MISMATCH, message);
    }

    private static String brief(String name) {
        int shownMax = 120;
        return name.length() <= shownMax ? name : name.substring(0, shownMax) + "...";
    }
}
