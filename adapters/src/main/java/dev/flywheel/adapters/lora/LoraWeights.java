package dev.flywheel.adapters.lora;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The weights of one adapter: a pair of matrices for each module it applies to.
 *
 * <p>Immutable by agreement: the arrays inside are not copied.
 *
 * @param pairs by full module name
 */
public record LoraWeights(LoraConfig config, SortedMap<String, LoraPair> pairs) {
    private static final String PREFIX = "base_model.model.";
    private static final String A_SUFFIX = ".lora_A.weight";
    private static final String B_SUFFIX = ".lora_B.weight";

    public LoraWeights {
        if (pairs.isEmpty()) {
            throw new AdapterException(Code.MISMATCH, "the adapter has no weights at all");
        }
        pairs = Collections.unmodifiableSortedMap(new TreeMap<>(pairs));
        for (LoraPair pair : pairs.values()) {
            if (pair.rank() != config.rankOf(pair.module())) {
                throw new AdapterException(
                        Code.MISMATCH,
                        pair.module()
                                + " has rank "
                                + pair.rank()
                                + ", the configuration says "
                                + config.rankOf(pair.module()));
            }
        }
    }

    /**
     * Returns the weights training starts from, as PEFT makes them: A uniform in ±1/sqrt(inFeatures)
     * (kaiming uniform with a = sqrt(5)), B zero, so that the adapter changes nothing yet.
     *
     * <p>Each module draws from its own generator, split off the seed by its name, so its start does
     * not depend on which other modules there are.
     *
     * @param baseModules the base model's linear modules; the configuration chooses among
     *     them, and each of its targets must name one
     */
    public static LoraWeights start(
            LoraConfig config, Map<String, ModuleShape> baseModules, long seed) {
        requireTargets(config, baseModules.keySet());
        SortedMap<String, LoraPair> pairs = new TreeMap<>();
        SeededRandom root = new SeededRandom(seed);
        baseModules.forEach(
                (module, shape) -> {
                    if (config.targets(module)) {
                        pairs.put(module, startPair(config, module, shape, root.split(module)));
                    }
                });
        return new LoraWeights(config, pairs);
    }

    /** A target that names nothing would leave out what its author believes to be trained. */
    private static void requireTargets(LoraConfig config, Set<String> modules) {
        for (String target : config.targetModules()) {
            if (modules.stream().noneMatch(module -> LoraConfig.names(target, module))) {
                throw new AdapterException(
                        Code.MISMATCH,
                        "target_modules names "
                                + target
                                + ", which matches none of the base model's modules; those that"
                                + " take an adapter are "
                                + modules.stream()
                                        .map(module -> module.substring(
                                                module.lastIndexOf('.') + 1))
                                        .collect(Collectors.toCollection(TreeSet::new)));
            }
        }
    }

    private static LoraPair startPair(
            LoraConfig config, String module, ModuleShape shape, SeededRandom random) {
        int rank = config.rankOf(module);
        double bound = 1 / Math.sqrt(shape.inFeatures());
        float[] a = new float[rank * shape.inFeatures()];
        for (int i = 0; i < a.length; i++) {
            a[i] = (float) random.nextDouble(-bound, bound);
        }
        float[] b = new float[shape.outFeatures() * rank];
        return new LoraPair(module, rank, shape.inFeatures(), shape.outFeatures(), a, b);
    }

    /** Returns the canonical bytes: PEFT's tensor names, F32, sorted. */
    public byte[] toSafetensors() {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (LoraPair pair : pairs.values()) {
            writer.add(nameOfA(pair.module()), pair.a(), pair.rank(), pair.inFeatures());
            writer.add(nameOfB(pair.module()), pair.b(), pair.outFeatures(), pair.rank());
        }
        return writer.toBytes();
    }

    /**
     * Reads weights and believes nothing: every tensor must be one half of a pair of matching shapes
     * with finite values.
     */
    public static LoraWeights fromSafetensors(LoraConfig config, byte[] bytes) {
        return fromSafetensors(config, SafetensorsFile.of(bytes));
    }

    /** Reads weights from a file whose header has been checked. */
    public static LoraWeights fromSafetensors(LoraConfig config, SafetensorsFile file) {
        SortedMap<String, LoraPair> pairs = new TreeMap<>();
        SortedSet<String> unused = file.names();
        for (String name : file.names()) {
            if (name.startsWith(PREFIX) && name.endsWith(A_SUFFIX)) {
                String module = name.substring(PREFIX.length(), name.length() - A_SUFFIX.length());
                if (unused.contains(nameOfB(module))) {
                    pairs.put(module, readPair(file, module));
                    unused.remove(name);
                    unused.remove(nameOfB(module));
                }
            }
        }
        if (!unused.isEmpty()) {
            throw new AdapterException(
                    Code.MISMATCH,
                    "tensor "
                            + brief(unused.first())
                            + " is no half of a LoRA pair; expected "
                            + PREFIX
                            + "<module>"
                            + A_SUFFIX
                            + " beside "
                            + B_SUFFIX);
        }
        return new LoraWeights(config, pairs);
    }

    private static LoraPair readPair(SafetensorsFile file, String module) {
        List<Long> shapeA = matrixShape(file, nameOfA(module));
        List<Long> shapeB = matrixShape(file, nameOfB(module));
        if (!shapeA.get(0).equals(shapeB.get(1))) {
            throw new AdapterException(
                    Code.MISMATCH,
                    brief(module)
                            + " has A "
                            + shapeA
                            + " and B "
                            + shapeB
                            + ", expected A [rank, in] and B [out, rank]");
        }
        return new LoraPair(
                module,
                Math.toIntExact(shapeA.get(0)),
                Math.toIntExact(shapeA.get(1)),
                Math.toIntExact(shapeB.get(0)),
                finite(nameOfA(module), file.floats(nameOfA(module))),
                finite(nameOfB(module), file.floats(nameOfB(module))));
    }

    private static List<Long> matrixShape(SafetensorsFile file, String name) {
        List<Long> shape = file.shape(name);
        if (shape.size() != 2 || shape.contains(0L)) {
            throw new AdapterException(
                    Code.MISMATCH, brief(name) + " has shape " + shape + ", expected a matrix");
        }
        return shape;
    }

    private static float[] finite(String name, float[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw new AdapterException(
                        Code.NOT_FINITE, name + " holds " + values[i] + " at element " + i);
            }
        }
        return values;
    }

    private static String brief(String name) {
        return name.length() > 160 ? name.substring(0, 160) + "..." : name;
    }

    /** Returns the SHA-256 of the canonical bytes: the adapter version's identity. */
    public Digest digest() {
        return Digest.of(toSafetensors());
    }

    /** Returns the Euclidean norm over all elements of A and B. */
    public double norm() {
        double sum = 0;
        for (LoraPair pair : pairs.values()) {
            sum += sumOfSquares(pair.a()) + sumOfSquares(pair.b());
        }
        return Math.sqrt(sum);
    }

    /** Returns whether no element is NaN or infinite. */
    public boolean finite() {
        return Double.isFinite(norm());
    }

    private static double sumOfSquares(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return sum;
    }

    static String nameOfA(String module) {
        return PREFIX + module + A_SUFFIX;
    }

    static String nameOfB(String module) {
        return PREFIX + module + B_SUFFIX;
    }
}
