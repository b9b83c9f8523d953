package dev.flywheel.trainer.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;

class AdapterSettingsTest {

    @Test
    void onABaseWhoseFeedForwardPartsAreExpertsTheTargetsAreThoseOfAttention() {
        Set<String> attention =
                Set.of(
                        "model.layers.0.self_attn.q_proj",
                        "model.layers.0.self_attn.k_proj",
                        "model.layers.0.self_attn.v_proj",
                        "model.layers.0.self_attn.o_proj");
        assertThat(AdapterSettings.teacher().onTargetsOf(attention).lora().getTargetModulesList())
                .containsExactly("q_proj", "k_proj", "v_proj", "o_proj");
    }
}
