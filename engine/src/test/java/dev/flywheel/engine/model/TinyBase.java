package dev.flywheel.engine.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes a random Llama with a tokenizer that has one token per byte, as a Hugging Face folder.
 *
 * <p>The sizes can be those of the built-in base, so that times can be measured on it.
 */
public record TinyBase(int vocab, int hidden, int layers, int heads, int intermediate) {
    /** A few thousand parameters: a step or a round takes milliseconds on any backend. */
    public static final TinyBase SMALL = new TinyBase(300, 32, 2, 4, 64);

    /** As large as the base that is built in. */
    public static final TinyBase BUILT_IN = new TinyBase(2048, 128, 5, 4, 384);

    private static final int BYTES = 256;
    private static final int END_OF_TEXT = BYTES;
    private static final double LINEAR_DEVIATION = 0.08;

    /** Large, so that the tied head can be certain of a token. */
    private static final double EMBEDDING_DEVIATION = 0.5;

    /** Writes the folder's files. */
    public Path write(Path folder, long seed) {
        try {
            byte[] config = config();
            Files.write(folder.resolve("config.json"), config);
            Files.writeString(folder.resolve("tokenizer.json"), tokenizer());
            Files.writeString(
                    folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"<|end|>\"}");
            Files.write(folder.resolve("model.safetensors"),
                    weights(ModelSpec.parse(config), seed));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] config() {
        ObjectNode config = new ObjectMapper().createObjectNode();
        config.putArray("architectures").add("LlamaForCausalLM");
        config.put("model_type", "llama")
                .put("vocab_size", vocab)
                .put("hidden_size", hidden)
                .put("intermediate_size", intermediate)
                .put("num_hidden_layers", layers)
                .put("num_attention_heads", heads)
                .put("num_key_value_heads", Math.max(1, heads / 2))
                .put("hidden_act", "silu")
                .put("rms_norm_eps", 1e-5)
                .put("max_position_embeddings", 512)
                .put("rope_theta", 10000.0)
                .put("tie_word_embeddings", true)
                .put("eos_token_id", END_OF_TEXT)
                .put("torch_dtype", "float32");
        return config.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] weights(ModelSpec spec, long seed) {
        SeededRandom random = new SeededRandom(seed);
        SafetensorsWriter writer = new SafetensorsWriter();
        for (Map.Entry<String, List<Integer>> tensor : ModelWeights.shapes(spec).entrySet()) {
            int[] shape = tensor.getValue().stream().mapToInt(Integer::intValue).toArray();
            int elements = 1;
            for (int size : shape) {
                elements *= size;
            }
            boolean norm = shape.length == 1;
            double deviation =
                    tensor.getKey().contains("embed") ? EMBEDDING_DEVIATION : LINEAR_DEVIATION;
            float[] values = new float[elements];
            for (int i = 0; i < elements; i++) {
                values[i] = norm ? 1 : (float) (deviation * random.nextGaussian());
            }
            writer.add(tensor.getKey(), values, shape);
        }
        return writer.toBytes();
    }

    /** Byte-level BPE without a single merge. */
    private static String tokenizer() {
        ObjectMapper json = new ObjectMapper();
        ObjectNode root = json.createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding").putNull("normalizer");
        root.putArray("added_tokens")
                .addObject()
                .put("id", END_OF_TEXT)
                .put("content", "<|end|>")
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true);
        byteLevel(root.putObject("pre_tokenizer"));
        root.putNull("post_processor");
        byteLevel(root.putObject("decoder"));
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE").putNull("dropout").putNull("unk_token");
        model.put("fuse_unk", false).put("byte_fallback", false);
        ObjectNode vocab = model.putObject("vocab");
        for (int b = 0; b < BYTES; b++) {
            vocab.put(new String(Character.toChars(visible(b))), b);
        }
        model.putArray("merges");
        return root.toString();
    }

    private static void byteLevel(ObjectNode node) {
        node.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", false);
    }

    /** GPT-2's alphabet: printable bytes are themselves, the others characters from 256 on. */
    private static int visible(int b) {
        int next = BYTES;
        for (int other = 0; other < BYTES; other++) {
            boolean printable =
                    other >= '!' && other <= '~'
                            || other >= 0xA1 && other <= 0xAC
                            || other >= 0xAE;
            if (other == b) {
                return printable ? b : next;
            }
            next += printable ? 0 : 1;
        }
        throw new IllegalArgumentException("no byte: " + b);
    }
}
