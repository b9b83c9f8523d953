package dev.flywheel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.backend.Activation;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ModelSpecTest {
    private static final String LLAMA = """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
             "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
             "num_hidden_layers": 2, "vocab_size": 600, "max_position_embeddings": 2048,
             "rms_norm_eps": 1e-05, "hidden_act": "silu", "tie_word_embeddings": false,
             "bos_token_id": 1, "eos_token_id": [2, 3]%s}
            """;

    private static ModelSpec parse(String more) {
        return ModelSpec.parse(LLAMA.formatted(more).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsEveryNumber() {
        assertThat(parse(", \"rope_theta\": 100000.0")).isEqualTo(new ModelSpec(
                Family.LLAMA, 600, 64, 128, 2, 4, 2, 16, 1e-5f, Activation.SILU, false, false,
                false,
                false, 2048, Rope.plain(100_000), 0.02f, 1, List.of(2, 3),
                AttentionStyle.plain(16), 0, null));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "'\"rope_theta\": 500000.0, \"rope_scaling\": null, \"torch_dtype\": \"bfloat16\"'",
        "'\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500000.0}, "
                + "\"dtype\": \"bfloat16\"'",
        "'\"rope_theta\": 500000, \"rope_scaling\": {\"type\": \"default\"}'"})
    void readsTheOlderAndTheNewerSpelling(String spelling) {
        assertThat(parse(", " + spelling).rope()).isEqualTo(Rope.plain(500_000));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', value = {
        "\"quantization_config\": {\"bits\": 4} | quantization_config is {\"bits\":4}, supported",
        "\"hidden_act\": \"relu\" | not valid JSON or hidden_act",
        "\"use_sliding_window\": true | use_sliding_window is true, supported",
        "\"layer_types\": [\"sliding_attention\"] | layer_types is \"sliding_attention\"",
        "\"torch_dtype\": \"float8\" | torch_dtype is \"float8\"",
        "\"partial_rotary_factor\": 0.5 | partial_rotary_factor is 0.5",
        "\"rope_scaling\": {\"rope_type\": \"longrope\", \"factor\": 4} | rope_scaling.rope_type is \"longrope\"",
        "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 4} | rope_scaling.type is \"dynamic\", supported",
        "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": -1} | rope_scaling.factor is -1.0",
        "\"rope_scaling\": {\"rope_type\": \"yarn\"} | rope_scaling.factor is NaN",
        "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 5.0}} | rope_parameters is",
        "\"rope_scaling\": {\"rope_type\": \"linear\"} | rope_scaling.factor is NaN",
        "\"rope_scaling\": \"linear\" | rope_scaling is \"linear\", expected an object",
        "\"rope_theta\": \"big\" | rope_theta is \"big\", expected a number",
        "\"head_dim\": 15 | head_dim is 15, expected an even number",
        "\"head_dim\": 1000000000 | head_dim is 1000000000, expected 1 to",
        "\"hidden_act\": null | Duplicate field 'hidden_act'",
        "\"mlp_bias\": 1 | mlp_bias is 1, expected true or false"})
    void refusesByKeyAndValue(String field, String message) {
        String expected =
                message.startsWith("not valid") ? "Duplicate field 'hidden_act'" : message;
        assertThatThrownBy(() -> parse(", " + field))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining(expected);
    }

    @Test
    void theModelTypeAloneNamesTheFamilyToo() {
        String named = LLAMA.formatted("");
        String list = "\"architectures\": [\"LlamaForCausalLM\"]";
        assertThat(named).contains(list);
        for (String other : List.of("\"model_type\": \"llama\"",
                "\"architectures\": null, \"model_type\": \"llama\"",
                "\"architectures\": [], \"model_type\": \"llama\"")) {
            String text = named.replaceAll("\"model_type\": \"llama\",?", "").replace(list, other);
            assertThat(ModelSpec.parse(text.getBytes(StandardCharsets.UTF_8)).family())
                    .isEqualTo(Family.LLAMA);
        }
        assertThatThrownBy(
                () -> ModelSpec.parse(
                        named.replaceAll("\"model_type\": \"llama\",?", "")
                                .replace(list, "\"model_type\": \"gpt2\"")
                                .getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("model_type is gpt2, supported are llama");
    }

    @Test
    void aConfigThatIsNotClosedIsToldWithItsPlaceAlone() {
        byte[] broken = "{\"architectures\":\n [".getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> ModelSpec.parse(broken))
                .isInstanceOf(ModelException.class)
                .hasMessageStartingWith("config.json is no valid JSON: ")
                .hasMessageEndingWith("(line 2, column 3)")
                .message()
                .doesNotContain("Source");
    }

    @Test
    void whatIsWrittenReadsBackTheSame() {
        ModelSpec spec = new ModelSpec(
                Family.LLAMA, 600, 64, 128, 2, 4, 2, 24, 1e-6f, Activation.GELU_TANH, true, true,
                true, true, 512, new Rope(5e5, new Rope.Llama3Scaling(8, 1, 4, 64)), 0.03f, -1,
                List.of(), AttentionStyle.plain(24), 0, null);
        assertThat(ModelSpec.parse(spec.toConfigJson("bfloat16"))).isEqualTo(spec);
        assertThat(ModelSpec.parse(TinyModels.llama().toConfigJson("float32")))
                .isEqualTo(TinyModels.llama());
    }

    @ParameterizedTest
    @EnumSource
    void whatIsWrittenOfAnyFamilyReadsBackTheSame(Family family) {
        ModelSpec spec = TinyModels.of(family);
        assertThat(ModelSpec.parse(spec.toConfigJson("float16"))).isEqualTo(spec);
    }

    @ParameterizedTest
    @EnumSource
    void moreLayersThanAnyModelHasAreRefusedBeforeTheyAreCounted(Family family) {
        String json = new String(
                TinyModels.of(family).toConfigJson("float32"), StandardCharsets.UTF_8);
        String many = json.replaceFirst(
                "\"num_hidden_layers\" : \\d+", "\"num_hidden_layers\" : 2147483647");

        assertThat(many).isNotEqualTo(json);
        assertThatThrownBy(() -> ModelSpec.parse(many.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("num_hidden_layers is 2147483647");
    }

    @Test
    void qwen2HasBiasesOnQueryKeyAndValueAlone() {
        String json = LLAMA.formatted("")
                .replace("LlamaForCausalLM", "Qwen2ForCausalLM")
                .replace("\"llama\"", "\"qwen2\"");
        ModelSpec spec = ModelSpec.parse(json.getBytes(StandardCharsets.UTF_8));
        assertThat(Linear.ALL.stream().filter(linear -> linear.hasBias(spec)))
                .containsExactly(Linear.QUERY, Linear.KEY, Linear.VALUE);
    }

    @Test
    void frequenciesFallFromOneByTheBase() {
        float[] frequencies = Rope.plain(10_000).inverseFrequencies(8);
        assertThat(frequencies).hasSize(4);
        assertThat(frequencies[0]).isEqualTo(1f);
        assertThat((double) frequencies[1]).isCloseTo(0.1, Percentage.withPercentage(1e-4));
        assertThat((double) frequencies[3]).isCloseTo(0.001, Percentage.withPercentage(1e-4));
        assertThat(new Rope(10_000, new Rope.LinearScaling(2)).inverseFrequencies(8)[0])
                .isEqualTo(0.5f);
    }
}
