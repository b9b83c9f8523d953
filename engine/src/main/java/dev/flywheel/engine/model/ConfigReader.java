package dev.flywheel.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.engine.backend.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code config.json} into a {@link ModelSpec}, in the older and the newer spelling
 * ({@code rope_theta} and {@code rope_scaling} or {@code rope_parameters}, {@code torch_dtype} or
 * {@code dtype}).
 *
 * <p>A key that a family leaves out has the family's default. Unknown keys are ignored, for later
 * versions add harmless ones; keys that are known to change the results are refused unless their
 * value changes nothing or is computed.
 */
final class ConfigReader {
    private static final double NORM_EPSILON_DEFAULT = 1e-6;
    private static final double MIXTRAL_NORM_EPSILON_DEFAULT = 1e-5;
    private static final double INITIALIZER_RANGE_DEFAULT = 0.02;
    private static final int QWEN3_HEAD_DIM_DEFAULT = 128;
    private static final int GEMMA_HEAD_DIM_DEFAULT = 256;
    private static final double QUERY_SCALAR_DEFAULT = 256;
    private static final double GEMMA2_SCORE_CAP_DEFAULT = 50;
    private static final double GEMMA2_LOGIT_CAP_DEFAULT = 30;
    private static final Set<String> DTYPES = Set.of("float32", "bfloat16", "float16");

    private final ConfigFields config;

    ConfigReader(byte[] json) {
        this.config = new ConfigFields("", ConfigFields.parseObject("config.json", json));
    }

    ModelSpec read() {
        Family family = family();
        refuseWhatIsNotImplemented(family);
        int heads = config.integer("num_attention_heads");
        int hiddenSize = config.integer("hidden_size");
        int layers = config.integer("num_hidden_layers");
        ModelSpec.requireLayers(layers); // before anything is worked out layer by layer
        int headDim = headDim(family, hiddenSize, heads);
        boolean attentionBias = hasAttentionBias(family);
        RopeReader ropes = new RopeReader(config, family);
        return new ModelSpec(
                family,
                config.integer("vocab_size"),
                hiddenSize,
                config.integer("intermediate_size"),
                layers,
                heads,
                kvHeads(family, heads),
                headDim,
                (float) config.number("rms_norm_eps", family == Family.MIXTRAL
                        ? MIXTRAL_NORM_EPSILON_DEFAULT
                        : NORM_EPSILON_DEFAULT),
                activation(family),
                attentionBias || family == Family.QWEN2,
                attentionBias,
                family == Family.LLAMA && config.bool("mlp_bias", false),
                config.bool("tie_word_embeddings", isGemma(family)),
                config.integer("max_position_embeddings"),
                ropes.full(),
                (float) config.number("initializer_range", INITIALIZER_RANGE_DEFAULT),
                bosId(),
                eosIds(),
                new AttentionStyle(
                        isGemma(family)
                                ? config.positive("query_pre_attn_scalar", QUERY_SCALAR_DEFAULT)
                                : headDim,
                        scoreCap(family),
                        new WindowReader(config, family, layers).windows(),
                        ropes.windowed()),
                logitCap(family),
                experts(family, layers));
    }

    private Family family() {
        JsonNode names = config.get("architectures");
        if ((!config.has("architectures") || names.isArray() && names.isEmpty())
                && config.get("model_type").isTextual()) {
            return Family.ofModelType(config.get("model_type").textValue());
        }
        if (!names.isArray() || names.size() != 1 || !names.get(0).isTextual()) {
            throw config.expected("architectures", "a list of one name");
        }
        Family family = Family.ofArchitecture(names.get(0).textValue());
        if (config.has("model_type")
                && !family.modelType().equals(config.get("model_type").asText())) {
            throw config.unsupported(
                    "model_type", family.modelType() + " for " + family.architecture());
        }
        return family;
    }

    private void refuseWhatIsNotImplemented(Family family) {
        if (config.has("quantization_config")) {
            throw config.unsupported("quantization_config", "unquantized weights");
        }
        for (String key : List.of("torch_dtype", "dtype")) {
            if (config.has(key) && !DTYPES.contains(config.get(key).asText())) {
                throw config.unsupported(key, "float32, bfloat16, float16");
            }
        }
        if (config.number("partial_rotary_factor", 1) != 1) {
            throw config.unsupported("partial_rotary_factor", "1");
        }
        if (isGemma(family) && config.bool("use_bidirectional_attention", false)) {
            throw config.unsupported("use_bidirectional_attention", "false or null");
        }
        if (!config.bool("is_causal", true)) {
            throw config.unsupported("is_causal", "true or null");
        }
        for (String key : List.of("per_layer_config", "text_config")) {
            if (config.has(key)) {
                throw config.unsupported(key, "null: one configuration for all layers");
            }
        }
    }

    private static boolean isGemma(Family family) {
        return family == Family.GEMMA2 || family == Family.GEMMA3;
    }

    /** The others have fixed biases, whatever the key says. */
    private boolean hasAttentionBias(Family family) {
        return switch (family) {
            case LLAMA, QWEN3, QWEN3_MOE, GEMMA2, GEMMA3 -> config.bool("attention_bias", false);
            case MISTRAL, MIXTRAL, QWEN2 -> false;
        };
    }

    /** Null means as many as query heads; a key left out has a default in Llama alone. */
    private int kvHeads(Family family, int heads) {
        String key = "num_key_value_heads";
        boolean byDefault = config.names(key) || family == Family.LLAMA;
        return !config.has(key) && byDefault ? heads : config.integer(key);
    }

    private int headDim(Family family, int hiddenSize, int heads) {
        if (config.has("head_dim")) {
            return config.integer("head_dim");
        }
        return switch (family) {
            case QWEN3 -> QWEN3_HEAD_DIM_DEFAULT;
            case GEMMA2, GEMMA3 -> GEMMA_HEAD_DIM_DEFAULT;
            case LLAMA, MISTRAL, MIXTRAL, QWEN2, QWEN3_MOE -> shareOf(hiddenSize, heads);
        };
    }

    private static int shareOf(int hiddenSize, int heads) {
        if (heads <= 0 || hiddenSize % heads != 0) {
            throw ConfigFields.malformed("hidden_size " + hiddenSize
                    + " is not divisible by num_attention_heads " + heads
                    + "; set head_dim where that is meant");
        }
        return hiddenSize / heads;
    }

    private Activation activation(Family family) {
        String key = isGemma(family) ? "hidden_activation" : "hidden_act";
        String fallback = isGemma(family) ? "gelu_pytorch_tanh" : "silu";
        JsonNode name = config.get(key);
        return switch (config.names(key) ? name.asText() : fallback) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
            default -> throw config.unsupported(key, "silu, gelu_pytorch_tanh");
        };
    }

    /** The cap of attention scores: Gemma 3 has the key, and no cap whatever it says. */
    private float scoreCap(Family family) {
        return family == Family.GEMMA2
                ? cap("attn_logit_softcapping", GEMMA2_SCORE_CAP_DEFAULT)
                : 0;
    }

    private float logitCap(Family family) {
        return switch (family) {
            case GEMMA2 -> cap("final_logit_softcapping", GEMMA2_LOGIT_CAP_DEFAULT);
            case GEMMA3 -> cap("final_logit_softcapping", 0);
            case LLAMA, MISTRAL, QWEN2, QWEN3, MIXTRAL, QWEN3_MOE -> 0;
        };
    }

    /** Reads a soft cap: null switches it off, leaving it out gives the default. */
    private float cap(String key, double fallback) {
        if (!config.has(key)) {
            return config.names(key) ? 0 : (float) fallback;
        }
        return (float) config.positive(key);
    }

    private @Nullable Experts experts(Family family, int layers) {
        return switch (family) {
            case MIXTRAL -> new Experts(
                    expertCount("num_local_experts", "num_experts"),
                    config.integer("num_experts_per_tok"),
                    config.integer("intermediate_size"),
                    true,
                    List.of());
            case QWEN3_MOE -> qwenExperts(layers);
            case LLAMA, MISTRAL, QWEN2, QWEN3, GEMMA2, GEMMA3 -> null;
        };
    }

    private @Nullable Experts qwenExperts(int layers) {
        int count = expertCount("num_experts", "num_local_experts");
        if (count == 0) {
            return null;
        }
        int step = config.count("decoder_sparse_step", 1);
        List<Integer> named = config.integers("mlp_only_layers");
        List<Integer> dense = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            if (named.contains(layer) || (layer + 1) % step != 0) {
                dense.add(layer);
            }
        }
        return new Experts(
                count,
                config.integer("num_experts_per_tok"),
                config.integer("moe_intermediate_size"),
                config.bool("norm_topk_prob", false),
                dense);
    }

    /** Both names are in use for the same number; of two that disagree none is believed. */
    private int expertCount(String key, String alias) {
        if (!config.has(key)) {
            return config.integer(config.has(alias) ? alias : key);
        }
        if (config.has(alias) && config.integer(alias) != config.integer(key)) {
            throw config.expected(alias, "the same number as " + key);
        }
        return config.integer(key);
    }

    private int bosId() {
        JsonNode id = config.get("bos_token_id");
        return id.isIntegralNumber() && id.canConvertToInt() ? id.intValue() : -1;
    }

    private List<Integer> eosIds() {
        JsonNode ids = config.get("eos_token_id");
        List<Integer> result = new ArrayList<>();
        for (JsonNode id : ids.isArray() ? ids : List.of(ids)) {
            if (id.isIntegralNumber() && id.canConvertToInt()) {
                result.add(id.intValue());
            }
        }
        return result;
    }
}
