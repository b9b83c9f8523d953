package dev.flywheel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.backend.Activation;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each family's configuration means, in its older and newer spelling, and what is refused. */
class FamilyConfigTest {
    private static ModelSpec parse(Family family, String more) {
        String json = """
                {"architectures": ["%s"], "model_type": "%s", "hidden_size": 64,
                 "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
                 "num_hidden_layers": 6, "vocab_size": 600, "max_position_embeddings": 2048,
                 "head_dim": 16%s}
                """.formatted(family.architecture(), family.modelType(),
                more.isEmpty() ? "" : ", " + more);
        return ModelSpec.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest(name = "{0} with {1}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "LLAMA | `` | ",
        "LLAMA | 'sliding_window': 5 | ",
        "MISTRAL | `` | 4096 4096 4096 4096 4096 4096",
        "MISTRAL | 'sliding_window': null | ",
        "MISTRAL | 'sliding_window': 7 | 7 7 7 7 7 7",
        "MIXTRAL | 'num_local_experts': 4, 'num_experts_per_tok': 2 | ",
        "MIXTRAL | 'num_local_experts': 4, 'num_experts_per_tok': 2, 'sliding_window': 7 "
                + "| 7 7 7 7 7 7",
        "QWEN2 | 'sliding_window': 7, 'max_window_layers': 0 | ",
        "QWEN2 | 'use_sliding_window': true, 'sliding_window': 7 | ",
        "QWEN2 | 'use_sliding_window': true, 'sliding_window': 7, 'max_window_layers': 4 "
                + "| 0 0 0 0 7 7",
        "QWEN3 | 'use_sliding_window': true, 'sliding_window': 7, 'max_window_layers': 4, "
                + "'layer_types': ['sliding_attention', 'full_attention', 'full_attention', "
                + "'full_attention', 'full_attention', 'full_attention'] | 7 0 0 0 0 0",
        "GEMMA2 | 'sliding_window': 9 | 9 0 9 0 9 0",
        "GEMMA3 | 'sliding_window': 9 | 9 9 9 9 9 0",
        "GEMMA3 | 'sliding_window': 9, 'sliding_window_pattern': 3 | 9 9 0 9 9 0"})
    void readsTheWindowOfEachLayer(Family family, String more, String windows) {
        List<Integer> expected = windows == null
                ? List.of()
                : List.of(windows.trim().split(" ")).stream().map(Integer::valueOf).toList();
        assertThat(parse(family, more == null ? "" : more).attention().windows())
                .isEqualTo(expected);
    }

    @Test
    void gemma3TurnsFasterInWindowsInEitherSpelling() {
        ModelSpec older = parse(Family.GEMMA3,
                "'rope_theta': 5e5, 'rope_local_base_freq': 500, "
                        + "'rope_scaling': {'rope_type': 'linear', 'factor': 8}");
        ModelSpec newer = parse(Family.GEMMA3,
                "'rope_parameters': {'full_attention': {'rope_type': 'linear', 'factor': 8, "
                        + "'rope_theta': 5e5}, 'sliding_attention': {'rope_theta': 500}}");
        assertThat(older).isEqualTo(newer);
        assertThat(older.rope(0)).isEqualTo(Rope.plain(500));
        assertThat(older.rope(5)).isEqualTo(new Rope(5e5, new Rope.LinearScaling(8)));
        ModelSpec bare = parse(Family.GEMMA3, "");
        assertThat(bare.rope(0)).isEqualTo(Rope.plain(1e4));
        assertThat(bare.rope(5)).isEqualTo(Rope.plain(1e6));
    }

    @Test
    void gemmaDefaultsAreItsOwn() {
        ModelSpec two = parse(Family.GEMMA2, "'hidden_act': 'silu'");
        assertThat(two.activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(two.tiedEmbeddings()).isTrue();
        assertThat(two.attention().softCap()).isEqualTo(50);
        assertThat(two.logitCap()).isEqualTo(30);
        assertThat(two.attentionShape(0).scale()).isEqualTo(1 / 16f);
        assertThat(two.embeddingScale()).isEqualTo(8);
        ModelSpec bare = parse(Family.GEMMA2,
                "'attn_logit_softcapping': null, 'final_logit_softcapping': null");
        assertThat(bare.attention().softCap()).isZero();
        assertThat(bare.logitCap()).isZero();
        assertThat(parse(Family.GEMMA3, "").logitCap()).isZero();
        assertThat(parse(Family.GEMMA3, "'final_logit_softcapping': 5").logitCap()).isEqualTo(5);
    }

    /** The key is in its configuration class, the attention does not look at it. */
    @Test
    void gemma3HasNoCapOnScoresWhateverItsConfigurationSays() {
        assertThat(parse(Family.GEMMA3, "'attn_logit_softcapping': 5").attention().softCap())
                .isZero();
    }

    @ParameterizedTest(name = "{0} with {1}: {2}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "LLAMA | 'rope_scaling': {%s} | 2048",
        "QWEN2 | 'rope_scaling': {%s, 'original_max_position_embeddings': 64} | 64",
        "MISTRAL | 'original_max_position_embeddings': 32, 'rope_scaling': {%s, "
                + "'original_max_position_embeddings': 64} | 32",
        "QWEN3 | 'original_max_position_embeddings': 32, 'rope_parameters': {%s} | 32",
        "GEMMA3 | 'original_max_position_embeddings': 32, 'rope_parameters': {"
                + "'full_attention': {%s, 'original_max_position_embeddings': 64}} | 64",
        "GEMMA3 | 'original_max_position_embeddings': 32, 'rope_scaling': {%s} | 2048"})
    void theContextBeforeTheExtensionIsReadWhereItIsSaid(
            Family family, String more, int positions) {
        Rope yarn = parse(family, more.formatted("'rope_type': 'yarn', 'factor': 4")).rope();
        assertThat(yarn.scaling()).isInstanceOfSatisfying(Rope.YarnScaling.class,
                scaling -> assertThat(scaling.originalPositions()).isEqualTo(positions));
        Rope llama3 = parse(family, more.formatted("'rope_type': 'llama3', 'factor': 4, "
                + "'low_freq_factor': 1, 'high_freq_factor': 4")).rope();
        assertThat(llama3.scaling()).isInstanceOfSatisfying(Rope.Llama3Scaling.class,
                scaling -> assertThat(scaling.originalPositions()).isEqualTo(positions));
    }

    @Test
    void nullKeyValueHeadsAreAsManyAsQueryHeads() {
        String json = """
                {"architectures": ["Qwen2ForCausalLM"], "hidden_size": 64, "vocab_size": 600,
                 "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": null,
                 "num_hidden_layers": 6, "max_position_embeddings": 2048}
                """;
        assertThat(ModelSpec.parse(json.getBytes(StandardCharsets.UTF_8)).kvHeads()).isEqualTo(4);
        String without = json.replace("\"num_key_value_heads\": null,", "");
        assertThatThrownBy(() -> ModelSpec.parse(without.getBytes(StandardCharsets.UTF_8)))
                .hasMessageContaining("num_key_value_heads is missing");
    }

    @Test
    void theNumberOfExpertsHasTwoNames() {
        assertThat(parse(Family.MIXTRAL, "'num_experts': 4, 'num_experts_per_tok': 2")
                .requireExperts()
                .count()).isEqualTo(4);
        assertThat(parse(Family.QWEN3_MOE, "'num_local_experts': 4, 'num_experts': 4, "
                + "'num_experts_per_tok': 2, 'moe_intermediate_size': 32")
                .requireExperts()
                .count()).isEqualTo(4);
    }

    @Test
    void qwen3ChoosesItsSparseLayers() {
        String experts = "'num_experts': 8, 'num_experts_per_tok': 2, 'moe_intermediate_size': 32";
        assertThat(parse(Family.QWEN3_MOE, experts).experts())
                .isEqualTo(new Experts(8, 2, 32, false, List.of()));
        assertThat(parse(Family.QWEN3_MOE, experts + ", 'decoder_sparse_step': 2, "
                + "'mlp_only_layers': [1], 'norm_topk_prob': true").experts())
                .isEqualTo(new Experts(8, 2, 32, true, List.of(0, 1, 2, 4)));
        assertThat(parse(Family.QWEN3_MOE, "'num_experts': 0").isSparse()).isFalse();
    }

    @Test
    void yarnFollowsItsPaper() {
        Rope rope = parse(Family.LLAMA, "'rope_scaling': {'type': 'yarn', 'factor': 4, "
                + "'original_max_position_embeddings': 64}").rope();
        assertThat(rope.scaling().attentionFactor())
                .isCloseTo(0.1 * Math.log(4) + 1, Offset.offset(1e-12));
        float[] plain = Rope.plain(10_000).inverseFrequencies(16);
        float[] frequencies = rope.inverseFrequencies(16);
        // One turn in 64 tokens lies at pair 2.02, 32 turns below pair 0: a ramp from 0 to 3.
        for (int i = 0; i < 8; i++) {
            double divided = Math.min(1, i / 3.0);
            assertThat((double) frequencies[i]).isCloseTo(
                    plain[i] * (divided / 4 + 1 - divided), Offset.offset(1e-6 * plain[i]));
        }
        assertThat(attentionFactor("'attention_factor': 1.5")).isEqualTo(1.5);
        assertThat(attentionFactor("'mscale': 0.5, 'mscale_all_dim': 0.25"))
                .isCloseTo((0.05 * Math.log(4) + 1) / (0.025 * Math.log(4) + 1),
                        Offset.offset(1e-12));
        assertThat(attentionFactor("'mscale': 0.5"))
                .isCloseTo(0.1 * Math.log(4) + 1, Offset.offset(1e-12));
    }

    @ParameterizedTest(name = "{0}{1}: {2}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "QWEN3 | `` | true",
        "QWEN3 | , 'truncate': true | true",
        "QWEN3 | , 'truncate': false | false",
        "QWEN3 | , 'truncate': null | false",
        "GEMMA3 | , 'truncate': null | true"})
    void theEndsOfYarnsRampAreRoundedUnlessTheFieldIsThereAndNotTrue(
            Family family, String more, boolean truncates) {
        assertThat(parse(family, "'rope_scaling': {'rope_type': 'yarn', 'factor': 4%s}"
                .formatted(more)).rope().scaling())
                .isInstanceOfSatisfying(Rope.YarnScaling.class,
                        yarn -> assertThat(yarn.truncate()).isEqualTo(truncates));
    }

    private static double attentionFactor(String more) {
        return parse(Family.QWEN3, "'rope_parameters': {'rope_type': 'yarn', 'factor': 4, "
                + "'rope_theta': 1e6, " + more + "}").rope().scaling().attentionFactor();
    }

    @ParameterizedTest(name = "{0} with {1}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "MISTRAL | 'sliding_window': 0 | sliding_window is 0, expected a whole number of at least 1",
        "MISTRAL | 'layer_types': ['full_attention'] | layer_types is \"full_attention\", supported",
        "QWEN2 | 'layer_types': ['sliding_attention'] | layer_types is",
        "QWEN3 | 'use_sliding_window': 'yes' | use_sliding_window is \"yes\", expected true or false",
        "QWEN3 | 'layer_types': ['sliding_attention', 'full_attention', 'full_attention', "
                + "'full_attention', 'full_attention', 'full_attention'] | layer_types is "
                + "\"sliding_attention\", supported: full_attention where no sliding_window",
        "GEMMA3 | 'layer_types': ['chunked_attention', 'full_attention', 'full_attention', "
                + "'full_attention', 'full_attention', 'full_attention'] | \"chunked_attention\"",
        "GEMMA3 | 'sliding_window_pattern': 0 | sliding_window_pattern is 0",
        "GEMMA3 | 'rope_parameters': {'rope_theta': 5.0} | rope_parameters is",
        "GEMMA3 | 'use_bidirectional_attention': true | use_bidirectional_attention is true",
        "LLAMA | 'is_causal': false | is_causal is false, supported: true or null",
        "QWEN3 | 'per_layer_config': {'0': {'sliding_window': 3}} | per_layer_config is {",
        "MISTRAL | 'text_config': {'hidden_size': 48} | text_config is {\"hidden_size\":48}",
        "GEMMA2 | 'sliding_window': null | sliding_window is null, expected a whole number",
        "GEMMA3 | 'rope_scaling': {'type': 'linear', 'factor': 2} | rope_scaling.type is",
        "GEMMA3 | 'rope_scaling': {'rope_type': 'yarn', 'factor': 2, 'truncate': false} "
                + "| rope_scaling.truncate is false, supported: true or null in a gemma3_text",
        "MIXTRAL | 'layer_types': ['full_attention'], 'num_local_experts': 4, "
                + "'num_experts_per_tok': 2 | layer_types is [\"full_attention\"], expected a list",
        "MIXTRAL | 'num_local_experts': 4, 'num_experts': 5, 'num_experts_per_tok': 2 "
                + "| num_experts is 5, expected the same number as num_local_experts",
        "GEMMA2 | 'query_pre_attn_scalar': -1 | query_pre_attn_scalar is -1.0",
        "GEMMA2 | 'attn_logit_softcapping': 0 | attn_logit_softcapping is 0.0",
        "GEMMA2 | 'hidden_activation': 'gelu' | hidden_activation is \"gelu\", supported",
        "QWEN2 | 'rope_theta': 5.0, 'rope_scaling': {'type': 'linear', 'factor': 2}, "
                + "'rope_parameters': {'rope_type': 'default'} | rope_scaling is",
        "MIXTRAL | 'num_local_experts': 4, 'num_experts_per_tok': 5 | num_experts_per_tok is 5",
        "MIXTRAL | `` | num_local_experts is missing",
        "QWEN3_MOE | 'num_experts': 100000, 'num_experts_per_tok': 2, "
                + "'moe_intermediate_size': 8 | number of experts is 100000, expected 1 to"})
    void refusesByKeyAndValue(Family family, String more, String message) {
        assertThatThrownBy(() -> parse(family, more == null ? "" : more))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining(message);
    }
}
