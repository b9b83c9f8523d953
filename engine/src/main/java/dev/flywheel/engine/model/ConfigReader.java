package dev.flywheel.engine.model;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.json.JsonProblem;
import dev.flywheel.engine.backend.Activation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Reads {@code config.json} into a {@link ModelSpec}, in the older and the newer spelling
 * ({@code rope_theta} and {@code rope_scaling} or {@code rope_parameters}, {@code torch_dtype} or
 * {@code dtype}).
 *
 * <p>Unknown keys are ignored, for later versions add harmless ones; keys that are known to change
 * the results are refused unless their value changes nothing.
 */
final class ConfigReader {
    private static final double ROPE_THETA_DEFAULT = 10_000;
    private static final double NORM_EPSILON_DEFAULT = 1e-6;
    private static final double INITIALIZER_RANGE_DEFAULT = 0.02;
    private static final Set<String> DTYPES = Set.of("float32", "bfloat16", "float16");

    private final JsonNode config;

    ConfigReader(byte[] json) {
        this.config = parseObject("config.json", json);
    }

    /** Parses strict JSON (no duplicate keys, nothing behind the object). */
    static JsonNode parseObject(String file, byte[] json) {
        ObjectMapper mapper = new ObjectMapper()
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
        try {
            JsonNode node = mapper.readTree(json);
            if (node == null || !node.isObject()) {
                throw malformed(file + " is no JSON object");
            }
            return node;
        } catch (JsonProcessingException e) {
            throw new ModelException(
                    ModelException.Code.MALFORMED,
                    file + " is no valid JSON: " + JsonProblem.located(e),
                    e);
        } catch (IOException e) {
            throw new ModelException(
                    ModelException.Code.MALFORMED, file + " cannot be decoded: " + e, e);
        }
    }

    ModelSpec read() {
        Family family = family();
        refuseWhatIsNotImplemented();
        int heads = requiredInt("num_attention_heads");
        int hiddenSize = requiredInt("hidden_size");
        boolean attentionBias = family == Family.LLAMA && bool("attention_bias");
        return new ModelSpec(
                family,
                requiredInt("vocab_size"),
                hiddenSize,
                requiredInt("intermediate_size"),
                requiredInt("num_hidden_layers"),
                heads,
                has("num_key_value_heads") || family != Family.LLAMA
                        ? requiredInt("num_key_value_heads")
                        : heads,
                headDim(hiddenSize, heads),
                (float) number("rms_norm_eps", NORM_EPSILON_DEFAULT),
                activation(),
                attentionBias || family == Family.QWEN2,
                attentionBias,
                bool("mlp_bias"),
                bool("tie_word_embeddings"),
                requiredInt("max_position_embeddings"),
                rope(),
                (float) number("initializer_range", INITIALIZER_RANGE_DEFAULT),
                bosId(),
                eosIds());
    }

    private Family family() {
        JsonNode names = config.path("architectures");
        if (!names.isArray() || names.size() != 1 || !names.get(0).isTextual()) {
            throw malformed(
                    "config.json: architectures is " + shown(names)
                            + ", expected a list of one name");
        }
        Family family = Family.ofArchitecture(names.get(0).textValue());
        if (has("model_type") && !family.modelType().equals(config.get("model_type").asText())) {
            throw unsupported("model_type", config.get("model_type"),
                    family.modelType() + " for " + family.architecture());
        }
        return family;
    }

    private void refuseWhatIsNotImplemented() {
        if (has("quantization_config")) {
            throw unsupported(
                    "quantization_config", config.get("quantization_config"),
                    "unquantized weights");
        }
        if (bool("use_sliding_window")) {
            throw unsupported(
                    "use_sliding_window", config.get("use_sliding_window"),
                    "full attention (false)");
        }
        for (JsonNode type : config.path("layer_types")) {
            if (!"full_attention".equals(type.asText())) {
                throw unsupported("layer_types", type, "full_attention");
            }
        }
        for (String key : List.of("torch_dtype", "dtype")) {
            if (has(key) && !DTYPES.contains(config.get(key).asText())) {
                throw unsupported(key, config.get(key), "float32, bfloat16, float16");
            }
        }
        if (number("partial_rotary_factor", 1) != 1) {
            throw unsupported("partial_rotary_factor", config.get("partial_rotary_factor"), "1");
        }
    }

    private int headDim(int hiddenSize, int heads) {
        if (has("head_dim")) {
            return requiredInt("head_dim");
        }
        if (heads <= 0 || hiddenSize % heads != 0) {
            throw malformed("config.json: hidden_size " + hiddenSize
                    + " is not divisible by num_attention_heads " + heads
                    + "; set head_dim where that is meant");
        }
        return hiddenSize / heads;
    }

    private Activation activation() {
        JsonNode name = config.path("hidden_act");
        return switch (name.asText("silu")) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh" -> Activation.GELU_TANH;
            default -> throw unsupported("hidden_act", name, "silu, gelu_pytorch_tanh");
        };
    }

    private Rope rope() {
        String key = has("rope_parameters") ? "rope_parameters" : "rope_scaling";
        JsonNode parameters = config.path(key);
        if (has(key) && !parameters.isObject()) {
            throw malformed(
                    "config.json: " + key + " is " + shown(parameters) + ", expected an object");
        }
        double theta = number(parameters, key + ".rope_theta",
                number("rope_theta", ROPE_THETA_DEFAULT));
        if (number(parameters, key + ".partial_rotary_factor", 1) != 1) {
            throw unsupported(key + ".partial_rotary_factor",
                    parameters.get("partial_rotary_factor"), "1");
        }
        return new Rope(theta, scaling(key, parameters));
    }

    private static Rope.Scaling scaling(String key, JsonNode parameters) {
        JsonNode type = parameters.has("rope_type")
                ? parameters.get("rope_type")
                : parameters.path("type");
        return switch (type.asText("default")) {
            case "default" -> new Rope.Unscaled();
            case "linear" -> new Rope.LinearScaling(positive(parameters, key + ".factor"));
            case "llama3" -> llama3(key, parameters);
            default -> throw unsupported(key + ".rope_type", type, "default, linear, llama3");
        };
    }

    private static Rope.Scaling llama3(String key, JsonNode parameters) {
        double low = positive(parameters, key + ".low_freq_factor");
        double high = positive(parameters, key + ".high_freq_factor");
        double original = positive(parameters, key + ".original_max_position_embeddings");
        if (high <= low || original > Integer.MAX_VALUE) {
            throw malformed("config.json: " + key + " has low_freq_factor " + low
                    + " and high_freq_factor " + high + ", expected low below high");
        }
        double factor = positive(parameters, key + ".factor");
        return new Rope.Llama3Scaling(factor, low, high, (int) original);
    }

    private int bosId() {
        JsonNode id = config.path("bos_token_id");
        return id.isIntegralNumber() && id.canConvertToInt() ? id.intValue() : -1;
    }

    private List<Integer> eosIds() {
        JsonNode ids = config.path("eos_token_id");
        List<Integer> result = new ArrayList<>();
        for (JsonNode id : ids.isArray() ? ids : List.of(ids)) {
            if (id.isIntegralNumber() && id.canConvertToInt()) {
                result.add(id.intValue());
            }
        }
        return result;
    }

    private boolean has(String key) {
        return config.hasNonNull(key);
    }

    private int requiredInt(String key) {
        JsonNode value = config.path(key);
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw malformed(
                    "config.json: " + key + " is " + shown(value) + ", expected a whole number");
        }
        return value.intValue();
    }

    private boolean bool(String key) {
        if (!has(key)) {
            return false;
        }
        JsonNode value = config.get(key);
        if (!value.isBoolean()) {
            throw malformed(
                    "config.json: " + key + " is " + shown(value) + ", expected true or false");
        }
        return value.booleanValue();
    }

    private double number(String key, double fallback) {
        return number(config, key, fallback);
    }

    /** Reads {@code path}'s last name from {@code parent}; the path is for the message. */
    private static double number(JsonNode parent, String path, double fallback) {
        JsonNode value = parent.path(path.substring(path.lastIndexOf('.') + 1));
        if (value.isMissingNode() || value.isNull()) {
            return fallback;
        }
        if (!value.isNumber()) {
            throw malformed("config.json: " + path + " is " + shown(value) + ", expected a number");
        }
        return value.doubleValue();
    }

    private static double positive(JsonNode parent, String path) {
        double value = number(parent, path, Double.NaN);
        if (!(value > 0) || !Double.isFinite(value)) {
            throw malformed(
                    "config.json: " + path + " is " + value + ", expected a positive number");
        }
        return value;
    }

    private static ModelException malformed(String message) {
        return new ModelException(ModelException.Code.MALFORMED, message);
    }

    private static ModelException unsupported(String key, JsonNode value, String supported) {
        return new ModelException(
                ModelException.Code.UNSUPPORTED,
                "config.json: " + key + " is " + shown(value) + ", supported: " + supported);
    }

    private static String shown(JsonNode value) {
        if (value.isMissingNode()) {
            return "missing";
        }
        String text = value.toString();
        int shownMax = 80;
        return text.length() <= shownMax ? text : text.substring(0, shownMax) + "...";
    }
}
