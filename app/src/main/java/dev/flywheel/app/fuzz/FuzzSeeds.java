package dev.flywheel.app.fuzz;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.ModuleShape;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.adapters.safetensors.TensorType;
import dev.flywheel.app.tool.Sidecar;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.ModelException;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import dev.flywheel.engine.tokenizer.StreamDecoder;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.tokenizer.TokenizerException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The valid folders from which mutations start: small models and adapters of random weights, made
 * here.
 */
final class FuzzSeeds {
    private static final String WEIGHTS = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final String CONFIG = "config.json";
    private static final String ADAPTER_CONFIG = PeftFolder.CONFIG_FILE;
    private static final long BYTES_MAX = 1L << 26;
    private static final String SHORT_TEXT =
            "a b\n1 \u00e9 <s>  <y>  \ufb01ab,b. \u65e5\u0301\ud83d\ude00 ";
    private static final int IDS_MAX = 64;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final SeededRandom random;
    private final Backend backend;

    private FuzzSeeds(SeededRandom random, Backend backend) {
        this.random = random;
        this.backend = backend;
    }

    /** Makes the folders; the backend must outlive them. */
    static List<FuzzTarget> targets(SeededRandom random, Backend backend) {
        FuzzSeeds seeds = new FuzzSeeds(random, backend);
        List<FuzzTarget> targets = new ArrayList<>();
        JsonNode texts = texts();
        for (JsonNode text : texts.path("configs")) {
            byte[] config = bytes(text);
            targets.add(
                    new FuzzTarget(
                            "config", files(CONFIG, config), FuzzSeeds::loadConfig,
                            ModelException.class, 4));
            targets.add(seeds.model(seeds.single(config)));
            targets.add(seeds.model(seeds.sharded(config)));
            targets.add(seeds.tensors(config));
            targets.addAll(seeds.adapters(config));
        }
        for (JsonNode text : texts.path("tokenizers")) {
            SortedMap<String, byte[]> tokenizer = files("tokenizer.json", bytes(text));
            tokenizer.put(
                    "tokenizer_config.json",
                    bytes(JSON.createObjectNode().put("eos_token", "<s>")));
            targets.add(
                    new FuzzTarget(
                            "tokenizer", tokenizer, FuzzSeeds::loadTokenizer,
                            TokenizerException.class, 3));
        }
        return targets;
    }

    private static JsonNode texts() {
        try (InputStream in = FuzzSeeds.class.getResourceAsStream("seeds.json")) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException("the valid texts cannot be read", e);
        }
    }

    private static byte[] bytes(JsonNode json) {
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** A tokenizer that is accepted must take texts and ids without ending the process. */
    private static void loadTokenizer(Path folder) {
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            int[] ids = tokenizer.encode(SHORT_TEXT);
            long charsMax =
                    SHORT_TEXT.length() * (1 + folder.resolve("tokenizer.json").toFile().length());
            require(tokenizer.decode(ids).length() <= charsMax, "a short text became a long one");
            tokenizer.offsets(SHORT_TEXT, true, true);
            int[] all = IntStream.range(0, Math.min(tokenizer.vocabSize(), IDS_MAX)).toArray();
            tokenizer.decode(all, false);
            StreamDecoder stream = tokenizer.streamDecoder();
            for (int id : all) {
                stream.push(id);
            }
            stream.finish();
        }
    }

    private FuzzTarget model(SortedMap<String, byte[]> files) {
        return new FuzzTarget(
                "model", files, folder -> BaseModel.load(folder, backend).close(),
                ModelException.class, 4);
    }

    private SortedMap<String, byte[]> single(byte[] config) {
        SortedMap<String, byte[]> files = files(CONFIG, config);
        SafetensorsWriter writer = new SafetensorsWriter();
        shapes(config).forEach((name, shape) -> add(writer, name, shape));
        files.put(WEIGHTS, writer.toBytes());
        return files;
    }

    private SortedMap<String, byte[]> sharded(byte[] config) {
        SortedMap<String, byte[]> files = files(CONFIG, config);
        List<SafetensorsWriter> shards = List.of(new SafetensorsWriter(), new SafetensorsWriter());
        ObjectNode index = JSON.createObjectNode();
        index.putObject("metadata").put("total_size", 1);
        ObjectNode map = index.putObject("weight_map");
        shapes(config).forEach((name, shape) -> {
            int shard = map.size() % shards.size();
            add(shards.get(shard), name, shape);
            map.put(name, "model-0000%d-of-00002.safetensors".formatted(shard + 1));
        });
        for (int i = 0; i < shards.size(); i++) {
            files.put(
                    "model-0000%d-of-00002.safetensors".formatted(i + 1), shards.get(i).toBytes());
        }
        files.put(INDEX, bytes(index));
        return files;
    }

    private FuzzTarget tensors(byte[] config) {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("note", "\u00e9\n");
        shapes(config).forEach((name, shape) -> add(writer, name, shape));
        return new FuzzTarget(
                "safetensors", files("some.safetensors", writer.toBytes()),
                FuzzSeeds::loadTensors, AdapterException.class, 4);
    }

    private List<FuzzTarget> adapters(byte[] config) {
        SortedMap<String, ModuleShape> modules =
                BaseModel.linearModules(ModelSpec.parse(config));
        List<FuzzTarget> targets = new ArrayList<>();
        for (String variant : List.of(
                "{}", "{\"use_rslora\":true,\"target_modules\":\"all-linear\"}",
                "{\"rank_pattern\":{\"k_proj\":1},\"alpha_pattern\":{\"v_.*\":3.5}}")) {
            targets.add(adapter(modules, variant));
        }
        return targets;
    }

    private FuzzTarget adapter(SortedMap<String, ModuleShape> modules, String variant) {
        ObjectNode fields = JSON.createObjectNode();
        fields.put("peft_type", "LORA").put("r", 2).put("lora_alpha", 4).put("bias", "none");
        fields.put("use_rslora", false).put("lora_dropout", 0.0).put("task_type", "CAUSAL_LM");
        fields.put("base_model_name_or_path", "none").put("inference_mode", true);
        fields.putObject("rank_pattern");
        fields.putArray("target_modules").add("q_proj").add("k_proj").add("v_proj");
        fields.putNull("modules_to_save");
        try {
            fields.setAll((ObjectNode) JSON.readTree(variant));
        } catch (IOException e) {
            throw new IllegalStateException("variants are valid json", e);
        }
        boolean all = fields.path("target_modules").isTextual();
        SafetensorsWriter writer = new SafetensorsWriter();
        modules.forEach((module, shape) -> {
            if (all || module.endsWith("q_proj") || module.endsWith("k_proj")
                    || module.endsWith("v_proj")) {
                int rank = fields.path("rank_pattern").path("k_proj").isInt()
                        && module.endsWith("k_proj") ? 1 : 2;
                String name = "base_model.model." + module;
                add(writer, name + ".lora_A.weight", List.of(rank, shape.inFeatures()));
                add(writer, name + ".lora_B.weight", List.of(shape.outFeatures(), rank));
            }
        });
        SortedMap<String, byte[]> files =
                files(ADAPTER_CONFIG, bytes(fields));
        files.put(PeftFolder.WEIGHTS_FILE, writer.toBytes());
        files.put(Sidecar.FILE, bytes(sidecar(writer)));
        return new FuzzTarget(
                "adapter", files, folder -> loadAdapter(folder, modules), AdapterException.class,
                3);
    }

    private static ObjectNode sidecar(SafetensorsWriter weights) {
        ObjectNode fields = JSON.createObjectNode();
        fields.put("format", "flywheel-adapter/1").put("adapter", "default/main");
        fields.put("version", 3L).put("digest", Digest.of(weights.toBytes()).hex());
        fields.put("baseDigest", "0".repeat(64)).putNull("parent");
        fields.put("probeFingerprint", "").put("createdAtMillis", 1_700_000_000_000L);
        return fields;
    }

    private static void loadConfig(Path folder) {
        try {
            ModelSpec.parse(Files.readAllBytes(folder.resolve(CONFIG)));
        } catch (IOException e) {
            throw new ModelException(ModelException.Code.UNREADABLE, "no config: " + e, e);
        }
    }

    private static void loadTensors(Path folder) {
        SafetensorsFile file = SafetensorsFile.read(folder.resolve("some.safetensors"), BYTES_MAX);
        for (String name : file.names()) {
            long elements = 1;
            for (long dimension : file.shape(name)) {
                require(dimension >= 0, "a negative dimension was accepted");
                elements *= dimension;
            }
            require(file.floats(name).length == elements, "a tensor of another size came out");
        }
    }

    /** An adapter that is accepted must be finite, and the same after it was written and read again. */
    private static void loadAdapter(Path folder, SortedMap<String, ModuleShape> modules) {
        LoraWeights weights = PeftFolder.read(folder, modules).weights();
        Sidecar sidecar = Sidecar.read(folder);
        require(sidecar == null || sidecar.digest().length() == 64, "a digest is none");
        require(weights.finite(), "an adapter that is not finite was accepted");
        LoraConfig config = weights.config();
        for (LoraPair pair : weights.pairs().values()) {
            ModuleShape shape = modules.get(pair.module());
            require(
                    shape != null && shape.inFeatures() == pair.inFeatures()
                            && shape.outFeatures() == pair.outFeatures(),
                    "an adapter of another shape was accepted");
            require(
                    Double.isFinite(config.scaleOf(pair.module())),
                    "an adapter with a scale that is not finite was accepted");
        }
        LoraWeights again = LoraWeights.fromSafetensors(config, weights.toSafetensors());
        require(again.digest().equals(weights.digest()), "an adapter changed when written");
    }

    private static void require(boolean condition, String what) {
        if (!condition) {
            throw new IllegalStateException(what);
        }
    }

    private static SortedMap<String, List<Integer>> shapes(byte[] config) {
        return ModelWeights.shapes(ModelSpec.parse(config));
    }

    private void add(SafetensorsWriter writer, String name, List<Integer> shape) {
        int[] dimensions = shape.stream().mapToInt(Integer::intValue).toArray();
        int elements = 1;
        for (int dimension : dimensions) {
            elements *= dimension;
        }
        float[] values = new float[elements];
        for (int i = 0; i < elements; i++) {
            values[i] = (float) random.nextGaussian();
        }
        TensorType type = random.chance(0.3) ? TensorType.BF16 : TensorType.F32;
        writer.add(name, type, values, dimensions);
    }

    private static SortedMap<String, byte[]> files(String name, byte[] bytes) {
        SortedMap<String, byte[]> files = new TreeMap<>();
        files.put(name, bytes);
        return files;
    }
}
