package dev.flywheel.engine.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.oracle.Oracle;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ProbeTest {
    private static final int BLOCK_TOKENS = 4;
    private static final int RANK = 4;

    private Backend backend;
    private BaseModel model;
    private AdapterSlots slots;
    private KvCache cache;
    private ForwardPass pass;

    @BeforeEach
    void load() {
        Oracle oracle = Oracle.of("models/llama-gqa-f32");
        backend = Backends.open("reference", 1);
        model = BaseModel.load(oracle.folder("model"), backend);
        slots = new AdapterSlots(model, 3, RANK);
        cache = new KvCache(model, Probe.cacheBlocks(BLOCK_TOKENS), BLOCK_TOKENS);
        pass = new ForwardPass(model, slots, cache, 16);
    }

    @AfterEach
    void close() throws Exception {
        if (pass != null) {
            pass.close();
            cache.close();
            slots.close();
            model.close();
            backend.close();
        }
    }

    @Test
    void equalWeightsGiveTheSameFingerprintInAnySlot() {
        int first = slots.stage(weights(0.01f));
        int second = slots.stage(weights(0.01f));
        assertThat(probe(first).fingerprint()).isEqualTo(probe(second).fingerprint());
    }

    @Test
    void oneOtherWeightGivesAnotherFingerprint() {
        LoraWeights weights = weights(0.01f);
        int slot = slots.stage(weights);
        weights.pairs().values().iterator().next().b()[3] += 0.001f;
        int changed = slots.stage(weights);
        assertThat(probe(changed).fingerprint()).isNotEqualTo(probe(slot).fingerprint());
    }

    @Test
    void theUntrainedStartActsAsTheBase() {
        int start = slots.stage(weights(0));
        Probe base = probe(AdapterSlots.BASE);
        assertThat(probe(start).distance(base)).isZero();
        assertThat(probe(start).divergenceFrom(base)).isCloseTo(0, within(1e-9));
        assertThat(base.finite()).isTrue();
        assertThat(base.magnitude()).isPositive();
    }

    @Test
    void aTrainedAdapterIsAwayFromTheBase() {
        Probe trained = probe(slots.stage(weights(0.05f)));
        Probe base = probe(AdapterSlots.BASE);
        assertThat(trained.distance(base)).isGreaterThan(1e-3);
        assertThat(trained.divergenceFrom(base)).isPositive();
    }

    @Test
    void givesItsCacheBack() {
        probe(AdapterSlots.BASE);
        assertThat(cache.freeBlocks()).isEqualTo(cache.capacityBlocks());
    }

    private Probe probe(int slot) {
        return Probe.run(pass, cache, model.spec().vocabSize(), slot);
    }

    /** Start weights whose B matrices all hold {@code b}. */
    private LoraWeights weights(float b) {
        LoraConfig config = LoraConfig.of(RANK, 8, List.of("q_proj", "down_proj"));
        LoraWeights start = LoraWeights.start(config, model.linearModules(), 5);
        SortedMap<String, LoraPair> pairs = new TreeMap<>(start.pairs());
        pairs.values().forEach(pair -> Arrays.fill(pair.b(), b));
        return new LoraWeights(config, pairs);
    }
}
