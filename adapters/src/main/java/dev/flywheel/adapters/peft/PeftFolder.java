package dev.flywheel.adapters.peft;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Reads and writes an adapter as the folder PEFT uses: {@code adapter_config.json} beside {@code
 * adapter_model.safetensors}.
 *
 * <p>Reading refuses whatever would make the adapter compute other numbers than PEFT: unsupported
 * fields by name, a tensor too many or too few, a shape that is not the base model's, a value that
 * is not finite. A pickle file is never opened.
 */
public final class PeftFolder {
    /** The configuration's file name. */
    public static final String CONFIG_FILE = "adapter_config.json";

    /** The weights' file name. */
    public static final String WEIGHTS_FILE = "adapter_model.safetensors";

    private static final long CONFIG_BYTES_MAX = 1 << 20;
    private static final long WEIGHTS_BYTES_MAX = 1L << 30;
    private static final String PREFIX = "base_model.model.";
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private PeftFolder() {}

    /**
     * Reads a folder for a base model.
     *
     * @param baseModules the base model's linear modules by full name
     */
    public static PeftAdapter read(Path folder, Map<String, ModuleShape> baseModules) {
        PeftConfig peft = PeftConfig.parse(readConfig(folder.resolve(CONFIG_FILE)));
        SortedSet<String> modules = new TreeSet<>(baseModules.keySet());
        SortedSet<String> targeted = PeftTargets.targeted(peft, modules);
        LoraConfig config = PeftTargets.resolve(peft, modules);
        Path weightsFile = folder.resolve(WEIGHTS_FILE);
        if (!Files.isRegularFile(weightsFile)) {
            throw new AdapterException(
                    Code.UNREADABLE,
                    WEIGHTS_FILE
                            + " is missing in "
                            + folder
                            + "; save the adapter with safetensors, other formats are not read");
        }
        SafetensorsFile file = SafetensorsFile.read(weightsFile, WEIGHTS_BYTES_MAX);
        requireTensorsOf(targeted, file);
        LoraWeights weights = LoraWeights.fromSafetensors(config, file);
        weights.pairs().values().forEach(pair -> requireShape(pair, baseModules));
        return new PeftAdapter(weights, peft.kept());
    }

    private static void requireTensorsOf(SortedSet<String> modules, SafetensorsFile file) {
        SortedSet<String> expected = new TreeSet<>();
        for (String module : modules) {
            expected.add(PREFIX + module + ".lora_A.weight");
            expected.add(PREFIX + module + ".lora_B.weight");
        }
        SortedSet<String> missing = new TreeSet<>(expected);
        missing.removeAll(file.names());
        SortedSet<String> unused = file.names();
        unused.removeAll(expected);
        if (!missing.isEmpty() || !unused.isEmpty()) {
            throw new AdapterException(
                    Code.MISMATCH,
                    WEIGHTS_FILE
                            + " and the configuration's target modules disagree: "
                            + missing.size()
                            + " tensors missing"
                            + (missing.isEmpty() ? "" : " (first " + missing.first() + ")")
                            + ", "
                            + unused.size()
                            + " that no target module uses"
                            + (unused.isEmpty() ? "" : " (first " + brief(unused.first()) + ")"));
        }
    }

    private static void requireShape(LoraPair pair, Map<String, ModuleShape> baseModules) {
        ModuleShape base = baseModules.get(pair.module());
        if (base == null
                || base.inFeatures() != pair.inFeatures()
                || base.outFeatures() != pair.outFeatures()) {
            throw new AdapterException(
                    Code.MISMATCH,
                    "adapter has "
                            + pair
                            + ", the base model's module is "
                            + base
                            + ": the adapter was made for another base model");
        }
    }

    private static byte[] readConfig(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new AdapterException(
                    Code.UNREADABLE,
                    CONFIG_FILE + " is missing in " + file.getParent() + "; name a PEFT folder");
        }
        try {
            if (Files.size(file) > CONFIG_BYTES_MAX) {
                throw new AdapterException(
                        Code.TOO_LARGE,
                        CONFIG_FILE
                                + " has "
                                + Files.size(file)
                                + " bytes, allowed are at most "
                                + CONFIG_BYTES_MAX);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new AdapterException(Code.UNREADABLE,
                    file + " cannot be read (" + FileProblem.words(e) + ")", e);
        }
    }

    /**
     * Writes an adapter so that stock PEFT loads it. Each file is written beside its place, synced
     * and moved there, so a crash leaves no half file under the final name.
     *
     * @param baseModel what {@code base_model_name_or_path} says, for people and for PEFT
     */
    public static void write(Path folder, PeftAdapter adapter, String baseModel) {
        try {
            Files.createDirectories(folder);
            writeWhole(folder.resolve(WEIGHTS_FILE), adapter.weights().toSafetensors());
            writeWhole(
                    folder.resolve(CONFIG_FILE),
                    JSON.writeValueAsBytes(configFields(adapter, baseModel)));
        } catch (IOException e) {
            throw new AdapterException(
                    Code.UNREADABLE,
                    "adapter cannot be written to " + folder + " (" + FileProblem.words(e) + ")",
                    e);
        }
    }

    /** Writes weights that came from no folder. */
    public static void write(Path folder, LoraWeights weights, String baseModel) {
        write(folder, PeftAdapter.of(weights), baseModel);
    }

    private static ObjectNode configFields(PeftAdapter adapter, String baseModel)
            throws IOException {
        LoraConfig config = adapter.weights().config();
        ObjectNode fields = JSON.createObjectNode();
        fields.put("base_model_name_or_path", baseModel);
        fields.put("inference_mode", true);
        fields.put("lora_dropout", 0.0);
        fields.put("task_type", "CAUSAL_LM");
        for (Map.Entry<String, String> kept : adapter.kept().entrySet()) {
            fields.set(kept.getKey(), JSON.readTree(kept.getValue()));
        }
        fields.put("peft_type", "LORA");
        fields.put("bias", "none");
        fields.put("r", config.rank());
        putNumber(fields, "lora_alpha", config.alpha());
        fields.put("use_rslora", config.rsLora());
        config.targetModules().forEach(fields.withArray("target_modules")::add);
        ObjectNode ranks = fields.putObject("rank_pattern");
        config.ranks().forEach((module, rank) -> ranks.put(escaped(module), rank));
        ObjectNode alphas = fields.putObject("alpha_pattern");
        config.alphas().forEach((module, alpha) -> putNumber(alphas, escaped(module), alpha));
        return sorted(fields);
    }

    private static void putNumber(ObjectNode fields, String name, double value) {
        if (value == Math.rint(value) && Math.abs(value) < Integer.MAX_VALUE) {
            fields.put(name, (int) value);
        } else {
            fields.put(name, value);
        }
    }

    /** PEFT reads the keys of patterns as expressions; a module's dots are the only special signs. */
    private static String escaped(String module) {
        return module.replace(".", "\\.");
    }

    private static ObjectNode sorted(ObjectNode fields) {
        SortedMap<String, com.fasterxml.jackson.databind.JsonNode> byName = new TreeMap<>();
        fields.fields().forEachRemaining(field -> byName.put(field.getKey(), field.getValue()));
        ObjectNode out = JSON.createObjectNode();
        byName.forEach(out::set);
        return out;
    }

    private static void writeWhole(Path file, byte[] bytes) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".part");
        Files.write(fresh, bytes);
        try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(
                fresh,
                file,
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    private static String brief(String name) {
        return name.length() > 160 ? name.substring(0, 160) + "..." : name;
    }
}
