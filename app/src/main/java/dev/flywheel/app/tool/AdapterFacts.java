package dev.flywheel.app.tool;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.adapters.peft.PeftAdapter;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsHeader;
import dev.flywheel.adapters.safetensors.TensorEntry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a PEFT folder holds.
 *
 * @param digest SHA-256 of the weights in canonical bytes, which names a version
 * @param norm Euclidean norm over all of A and B
 * @param kept fields of the configuration that change no numbers, as JSON
 * @param sidecar flywheel.json, if there is one
 */
public record AdapterFacts(
        String digest,
        int rank,
        double alpha,
        boolean rsLora,
        List<String> targetModules,
        long parameters,
        double norm,
        SortedMap<String, Integer> tensorTypes,
        List<Module> modules,
        SortedMap<String, String> kept,
        @Nullable Sidecar sidecar) {
    private static final String PREFIX = "base_model.model.";
    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";

    /** One module that the adapter changes; {@code scale} is what B·A is multiplied with. */
    public record Module(
            String name,
            int rank,
            double alpha,
            double scale,
            int inFeatures,
            int outFeatures,
            double normA,
            double normB) {}

    /** Reads a folder by itself: whether it fits a base model is another question. */
    public static AdapterFacts of(Path folder) {
        SafetensorsHeader header = header(folder);
        PeftAdapter adapter = PeftFolder.read(folder, modules(header));
        LoraWeights weights = adapter.weights();
        LoraConfig config = weights.config();
        SortedMap<String, Integer> types = new TreeMap<>();
        header.tensors()
                .values()
                .forEach(tensor -> types.merge(tensor.type().name(), 1, Integer::sum));
        List<Module> modules = new ArrayList<>();
        long parameters = 0;
        for (LoraPair pair : weights.pairs().values()) {
            parameters += pair.a().length + (long) pair.b().length;
            modules.add(new Module(pair.module(), pair.rank(), config.alphaOf(pair.module()),
                    config.scaleOf(pair.module()), pair.inFeatures(), pair.outFeatures(),
                    norm(pair.a()), norm(pair.b())));
        }
        return new AdapterFacts(weights.digest().hex(), config.rank(), config.alpha(),
                config.rsLora(),
                config.targetModules(), parameters, weights.norm(), types, modules, adapter.kept(),
                Sidecar.read(folder));
    }

    private static SafetensorsHeader header(Path folder) {
        Path file = folder.resolve(PeftFolder.WEIGHTS_FILE);
        if (!file.toFile().isFile()) {
            throw new ToolException(
                    "%s has no %s; give a PEFT folder".formatted(folder, PeftFolder.WEIGHTS_FILE));
        }
        return SafetensorsHeader.read(file, SafetensorsHeader.ADAPTER_HEADER_BYTES_MAX);
    }

    /** The modules that the tensors are for, of the shapes that they have. */
    static Map<String, ModuleShape> modules(SafetensorsHeader header) {
        Map<String, ModuleShape> modules = new TreeMap<>();
        for (TensorEntry a : header.tensors().values()) {
            if (!a.name().startsWith(PREFIX) || !a.name().endsWith(A) || a.shape().size() != 2) {
                continue;
            }
            String module = a.name().substring(PREFIX.length(), a.name().length() - A.length());
            TensorEntry b = header.tensors().get(PREFIX + module + B);
            if (b != null && b.shape().size() == 2 && a.elements() > 0 && b.elements() > 0) {
                modules.put(module, new ModuleShape(
                        Math.toIntExact(a.shape().get(1)), Math.toIntExact(b.shape().get(0))));
            }
        }
        return modules;
    }

    /** Reads a folder for the modules it names itself. */
    static LoraWeights weights(Path folder) {
        return PeftFolder.read(folder, modules(header(folder))).weights();
    }

    private static double norm(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }
}
