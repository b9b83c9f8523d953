package dev.flywheel.engine.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.backend.Activation;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes a {@link ModelSpec} as {@code config.json}, in the spelling that the most readers know. */
final class ConfigWriter {
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT);

    private ConfigWriter() {}

    static byte[] write(ModelSpec spec, String dtype) {
        ObjectNode config = MAPPER.createObjectNode();
        config.putArray("architectures").add(spec.family().architecture());
        config.put("model_type", spec.family().modelType());
        config.put("vocab_size", spec.vocabSize());
        config.put("hidden_size", spec.hiddenSize());
        config.put("intermediate_size", spec.intermediateSize());
        config.put("num_hidden_layers", spec.layers());
        config.put("num_attention_heads", spec.heads());
        config.put("num_key_value_heads", spec.kvHeads());
        config.put("head_dim", spec.headDim());
        String activation = spec.activation() == Activation.SILU ? "silu" : "gelu_pytorch_tanh";
        config.put("hidden_act", activation);
        if (isGemma(spec)) {
            config.put("hidden_activation", activation);
        }
        config.put("rms_norm_eps", decimal(spec.normEpsilon()));
        config.put("max_position_embeddings", spec.positionsMax());
        config.put("rope_theta", spec.rope().theta());
        writeScaling(config, spec.rope().scaling());
        config.put("attention_bias", spec.outputBias());
        config.put("mlp_bias", spec.feedForwardBias());
        config.put("tie_word_embeddings", spec.tiedEmbeddings());
        config.put("initializer_range", decimal(spec.initializerRange()));
        config.put("torch_dtype", dtype);
        writeAttention(config, spec);
        writeExperts(config, spec);
        writeIds(config, spec);
        try {
            return (MAPPER.writeValueAsString(config) + "\n").getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of plain values can be written", e);
        }
    }

    private static boolean isGemma(ModelSpec spec) {
        return spec.family() == Family.GEMMA2 || spec.family() == Family.GEMMA3;
    }

    /** The shortest decimal that reads back as the same float. */
    private static double decimal(float value) {
        return Double.parseDouble(Float.toString(value));
    }

    private static void writeScaling(ObjectNode config, Rope.Scaling scaling) {
        switch (scaling) {
            case Rope.Unscaled unscaled -> config.putNull("rope_scaling");
            case Rope.LinearScaling(double factor) ->
                config.putObject("rope_scaling").put("rope_type", "linear").put("factor", factor);
            case Rope.Llama3Scaling(double factor, double low, double high, int original) ->
                config.putObject("rope_scaling")
                        .put("rope_type", "llama3")
                        .put("factor", factor)
                        .put("low_freq_factor", low)
                        .put("high_freq_factor", high)
                        .put("original_max_position_embeddings", original);
            case Rope.YarnScaling yarn -> config.putObject("rope_scaling")
                    .put("rope_type", "yarn")
                    .put("factor", yarn.factor())
                    .put("original_max_position_embeddings", yarn.originalPositions())
                    .put("beta_fast", yarn.fastTurns())
                    .put("beta_slow", yarn.slowTurns())
                    .put("attention_factor", yarn.attentionFactor())
                    .put("truncate", yarn.truncate());
        }
    }

    private static void writeAttention(ObjectNode config, ModelSpec spec) {
        AttentionStyle attention = spec.attention();
        List<Integer> windows = attention.windows();
        int window = windows.stream().mapToInt(Integer::intValue).max().orElse(0);
        switch (spec.family()) {
            case LLAMA -> {}
            case MISTRAL, MIXTRAL -> {
                if (window == 0) {
                    config.putNull("sliding_window");
                } else {
                    config.put("sliding_window", window);
                }
            }
            case QWEN2, QWEN3, QWEN3_MOE, GEMMA2, GEMMA3 -> {
                config.put("use_sliding_window", window > 0);
                config.put("sliding_window", Math.max(1, window));
                ArrayNode types = config.putArray("layer_types");
                for (int layer = 0; layer < spec.layers(); layer++) {
                    types.add(attention.window(layer) > 0 ? "sliding_attention" : "full_attention");
                }
            }
        }
        if (isGemma(spec)) {
            config.put("query_pre_attn_scalar", attention.queryScalar());
            writeCap(config, "attn_logit_softcapping", attention.softCap());
            writeCap(config, "final_logit_softcapping", spec.logitCap());
            @Nullable Rope windowed = attention.windowedRope();
            if (windowed != null) {
                config.put("rope_local_base_freq", windowed.theta());
            }
        }
    }

    private static void writeCap(ObjectNode config, String key, float cap) {
        if (cap == 0) {
            config.putNull(key);
        } else {
            config.put(key, decimal(cap));
        }
    }

    private static void writeExperts(ObjectNode config, ModelSpec spec) {
        @Nullable Experts experts = spec.experts();
        if (experts == null) {
            if (spec.family() == Family.QWEN3_MOE) {
                config.put("num_experts", 0);
            }
            return;
        }
        config.put("num_experts_per_tok", experts.perToken());
        if (spec.family() == Family.MIXTRAL) {
            config.put("num_local_experts", experts.count());
            return;
        }
        config.put("num_experts", experts.count());
        config.put("moe_intermediate_size", experts.intermediateSize());
        config.put("norm_topk_prob", experts.normalize());
        config.put("decoder_sparse_step", 1);
        experts.denseLayers().forEach(config.putArray("mlp_only_layers")::add);
    }

    private static void writeIds(ObjectNode config, ModelSpec spec) {
        if (spec.bosId() >= 0) {
            config.put("bos_token_id", spec.bosId());
        }
        if (spec.eosIds().size() == 1) {
            config.put("eos_token_id", spec.eosIds().get(0));
        } else if (!spec.eosIds().isEmpty()) {
            ArrayNode ids = config.putArray("eos_token_id");
            spec.eosIds().forEach(ids::add);
        }
    }
}
