package dev.flywheel.engine.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.backend.Activation;
import java.nio.charset.StandardCharsets;

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
        config.put("hidden_act",
                spec.activation() == Activation.SILU ? "silu" : "gelu_pytorch_tanh");
        config.put("rms_norm_eps", Double.parseDouble(Float.toString(spec.normEpsilon())));
        config.put("max_position_embeddings", spec.positionsMax());
        config.put("rope_theta", spec.rope().theta());
        writeScaling(config, spec.rope().scaling());
        config.put("attention_bias", spec.outputBias());
        config.put("mlp_bias", spec.feedForwardBias());
        config.put("tie_word_embeddings", spec.tiedEmbeddings());
        config.put("initializer_range",
                Double.parseDouble(Float.toString(spec.initializerRange())));
        config.put("torch_dtype", dtype);
        writeIds(config, spec);
        try {
            return (MAPPER.writeValueAsString(config) + "\n").getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of plain values can be written", e);
        }
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
        }
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
