package dev.flywheel.engine.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

@ParameterizedClass(name = "{0}")
@ValueSource(strings = {"reference", "cpu"})
class AdapterSlotsTest {
    @Parameter String backendName;

    @TempDir Path folder;
    private Backend backend;
    private BaseModel model;
    private AdapterSlots slots;
    private KvCache cache;
    private ForwardPass pass;

    @BeforeEach
    void open() {
        backend = Backends.open(backendName, 2);
        model = TinyModels.load(folder, backend, TinyModels.llama(), 5);
        slots = new AdapterSlots(model, 2, 4);
        cache = new KvCache(model, 8, 4);
        pass = new ForwardPass(model, slots, cache, 16);
    }

    @AfterEach
    void close() {
        pass.close();
        cache.close();
        slots.close();
        model.close();
        backend.close();
    }

    private float[] score(int slot) {
        try (KvSequence sequence = cache.open()) {
            int[] tokens = {1, 7, 9, 4};
            return pass.run(List.of(new Chunk(sequence, tokens, slot, Wanted.LAST))).copyRow(0);
        }
    }

    @Test
    void aSlotStagedAgainHasNothingOfItsFormerAdapter() {
        LoraWeights small = TinyModels.adapter(model, 2, 1, "q_proj");
        float[] expected = score(slots.stage(small));
        slots.free(0);
        slots.stage(TinyModels.adapter(model, 4, 2, "q_proj", "v_proj", "down_proj"));
        assertThat(score(0)).isNotEqualTo(expected);
        slots.free(0);
        slots.stage(small);
        assertThat(score(0)).isEqualTo(expected);
        // Also beside an adapter that does apply to the modules it left behind.
        int other = slots.stage(TinyModels.adapter(model, 2, 3, "v_proj", "down_proj"));
        try (KvSequence a = cache.open(); KvSequence b = cache.open()) {
            int[] tokens = {1, 7, 9, 4};
            assertThat(pass.run(List.of(
                    new Chunk(a, tokens, 0, Wanted.LAST), new Chunk(b, tokens, other, Wanted.LAST)))
                    .copyRow(0)).isEqualTo(expected);
        }
    }

    @Test
    void adaptersOfDifferentModulesInOneBatchLeaveEachOtherAlone() {
        int first = slots.stage(TinyModels.adapter(model, 2, 1, "q_proj", "up_proj"));
        int second = slots.stage(TinyModels.adapter(model, 4, 2, "o_proj", "gate_proj"));
        List<float[]> alone = List.of(score(first), score(second), score(AdapterSlots.BASE));
        assertThat(alone.get(0)).isNotEqualTo(alone.get(2));
        assertThat(alone.get(1)).isNotEqualTo(alone.get(2));
        try (KvSequence a = cache.open();
                KvSequence b = cache.open();
                KvSequence c = cache.open()) {
            int[] tokens = {1, 7, 9, 4};
            var logits = pass.run(List.of(
                    new Chunk(a, tokens, first, Wanted.LAST),
                    new Chunk(b, tokens, second, Wanted.LAST),
                    new Chunk(c, tokens, AdapterSlots.BASE, Wanted.LAST)));
            for (int i = 0; i < 3; i++) {
                assertThat(logits.copyRow(i)).as("row %s", i).isEqualTo(alone.get(i));
            }
        }
    }

    @Test
    void takesOnlyAsManyAsThereAreSlots() {
        LoraWeights adapter = TinyModels.adapter(model, 2, 1, "q_proj");
        slots.stage(adapter);
        int second = slots.stage(adapter);
        assertThat(slots.freeSlots()).isZero();
        assertThatThrownBy(() -> slots.stage(adapter))
                .isInstanceOf(SlotsFullException.class)
                .hasMessageContaining("all 2 adapter slots are taken");
        slots.free(second);
        assertThat(slots.stage(adapter)).isEqualTo(second);
        slots.free(second);
        assertThatThrownBy(() -> slots.free(second)).hasMessageContaining("is not taken");
    }

    @Test
    void refusesWhatDoesNotFitAndKeepsTheSlot() {
        assertThatThrownBy(() -> slots.stage(TinyModels.adapter(model, 5, 1, "q_proj")))
                .hasMessageContaining("has rank 5, the engine was started with at most 4");
        assertThatThrownBy(() -> slots.stage(pair("model.layers.9.self_attn.q_proj", 16)))
                .hasMessageContaining("which the base model lacks");
        assertThatThrownBy(() -> slots.stage(pair("model.layers.0.self_attn.q_proj", 8)))
                .hasMessageContaining("maps 8 to 16 features in the adapter, 16 to 16 in the base");
        assertThat(slots.freeSlots()).isEqualTo(2);
    }

    private static LoraWeights pair(String module, int in) {
        return new LoraWeights(
                LoraConfig.of(1, 1, List.of("q_proj")),
                new TreeMap<>(Map.of(
                        module, new LoraPair(module, 1, in, 16, new float[in], new float[16]))));
    }
}
