package dev.flywheel.adapters.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class LoraWeightsTest {
    private static final LoraConfig CONFIG = LoraConfig.of(2, 4, List.of("q_proj"));
    private static final SortedMap<String, ModuleShape> MODULES =
            new TreeMap<>(
                    Map.of(
                            "model.layers.0.self_attn.q_proj", new ModuleShape(16, 8),
                            "model.layers.0.self_attn.k_proj", new ModuleShape(16, 4)));

    @Test
    void startIsUniformWithinOneOverTheRootOfTheInputWidthAndChangesNothing() {
        LoraPair pair = LoraWeights.start(CONFIG, MODULES, 3).pairs().values().iterator().next();
        assertThat(pair.b()).containsOnly(0f);
        float largest = 0;
        for (float a : pair.a()) {
            largest = Math.max(largest, Math.abs(a));
        }
        assertThat(largest).isLessThanOrEqualTo(0.25f).isGreaterThan(0.15f);
    }

    @Test
    void startFollowsFromTheSeedAloneAndNotFromOtherModules() {
        LoraWeights narrow = LoraWeights.start(CONFIG, MODULES, 3);
        LoraWeights wide =
                LoraWeights.start(
                        LoraConfig.of(2, 4, List.of("q_proj", "k_proj")), MODULES, 3);
        assertThat(wide.pairs()).containsAllEntriesOf(narrow.pairs());
        assertThat(narrow.digest().hex())
                .as("pinned, so that another machine or release cannot differ unseen")
                .isEqualTo(PINNED);
        assertThat(LoraWeights.start(CONFIG, MODULES, 4).digest()).isNotEqualTo(narrow.digest());
    }

    private static final String PINNED =
            "b23b305b403d3ee9f78c64f46146a2b157d2460930d19254634425ea4cdaebc8";

    @Test
    void startRefusesATargetThatNamesNothingEvenBesideOneThatDoes() {
        LoraConfig config = LoraConfig.of(2, 4, List.of("q_proj", "gate_proj"));
        assertThatThrownBy(() -> LoraWeights.start(
                config, Map.of("model.layers.0.self_attn.q_proj", new ModuleShape(4, 4)), 1))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining("target_modules names gate_proj")
                .hasMessageContaining("[q_proj]");
    }

    @Test
    void bytesReadBackToTheSameBytes() {
        LoraWeights weights = LoraWeights.start(CONFIG, MODULES, 3);
        byte[] bytes = weights.toSafetensors();
        LoraWeights again = LoraWeights.fromSafetensors(CONFIG, bytes);
        assertThat(again).isEqualTo(weights);
        assertThat(again.toSafetensors()).isEqualTo(bytes);
    }

    @Test
    void refusesAValueThatIsNotFiniteByTensorAndPlace() {
        byte[] bytes =
                new SafetensorsWriter()
                        .add("base_model.model.q_proj.lora_A.weight", new float[] {1, 2}, 2, 1)
                        .add(
                                "base_model.model.q_proj.lora_B.weight",
                                new float[] {1, Float.NaN},
                                1,
                                2)
                        .toBytes();
        assertThatThrownBy(() -> LoraWeights.fromSafetensors(CONFIG, bytes))
                .isInstanceOf(AdapterException.class)
                .hasMessage("base_model.model.q_proj.lora_B.weight holds NaN at element 1");
    }

    @Test
    void scalesByRankOrItsRootWithExceptionsByModule() {
        assertThat(CONFIG.scale()).isEqualTo(2.0);
        LoraConfig root =
                new LoraConfig(
                        16,
                        32,
                        true,
                        List.of("q_proj"),
                        new TreeMap<>(Map.of("a.q_proj", 4)),
                        new TreeMap<>(Map.of("b.q_proj", 8.0)));
        assertThat(root.scale()).isEqualTo(8.0);
        assertThat(root.scaleOf("a.q_proj")).isEqualTo(16.0);
        assertThat(root.scaleOf("b.q_proj")).isEqualTo(2.0);
        assertThat(root.rankMax()).isEqualTo(16);
    }

    @Test
    void optimizerStateReadsBack() {
        SortedMap<String, float[]> m = new TreeMap<>(Map.of("x.A", new float[] {1, 2}));
        SortedMap<String, float[]> v = new TreeMap<>(Map.of("x.A", new float[] {3, 4}));
        OptimizerState state = new OptimizerState(12, m, v);
        OptimizerState again = OptimizerState.fromSafetensors(state.toSafetensors());
        assertThat(again.step()).isEqualTo(12);
        assertThat(again.m().get("x.A")).containsExactly(1, 2);
        assertThat(again.v().get("x.A")).containsExactly(3, 4);
        assertThat(again.digest()).isEqualTo(state.digest());
    }
}
