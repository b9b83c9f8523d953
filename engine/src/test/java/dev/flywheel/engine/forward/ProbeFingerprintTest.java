package dev.flywheel.engine.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.oracle.Oracle;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProbeFingerprintTest {
    private Backend backend;
    private BaseModel model;

    @BeforeEach
    void open() {
        backend = Backends.open("cpu", 1);
        model = BaseModel.load(Oracle.of("models/llama-gqa-f32").folder("model"), backend);
    }

    @AfterEach
    void close() {
        if (model != null) {
            model.close();
        }
    }

    @Test
    void twoNodesAgreeOnAnAdapterWhateverElseTheyHoldAndHoweverTheyAreSized() {
        LoraWeights adapter = effective(1, 0.05f);
        LoraWeights other = effective(2, 0.05f);
        ProbeFingerprint trainer = probe(1, 8, 4, 64, List.of(adapter));
        ProbeFingerprint serving = probe(3, 8, 16, 8, List.of(other, other, adapter));
        assertThat(serving.digest()).isEqualTo(trainer.digest());
        assertThat(serving.largestChange(trainer)).isZero();
        assertThat(serving.finite()).isTrue();
    }

    @Test
    void anAdapterThatDiffersInOneWeightHasAnotherFingerprint() {
        LoraWeights adapter = effective(1, 0.05f);
        LoraWeights nudged = effective(1, 0.05f);
        nudged.pairs().get("model.layers.1.self_attn.v_proj").b()[5] += 0.01f;
        ProbeFingerprint one = probe(1, 8, 16, 64, List.of(adapter));
        ProbeFingerprint another = probe(1, 8, 16, 64, List.of(nudged));
        assertThat(another.digest()).isNotEqualTo(one.digest());
        assertThat(another.largestChange(one)).isPositive();
    }

    @Test
    void anUntrainedAdapterAnswersAsTheBaseDoes() {
        LoraWeights start = LoraWeights.start(config(), model.linearModules(), 7);
        ProbeFingerprint base = probe(1, 8, 16, 64, List.of());
        assertThat(probe(1, 8, 16, 64, List.of(start)).largestChange(base)).isZero();
    }

    /** Stages the adapters and probes the last of them, or the base if there are none. */
    private ProbeFingerprint probe(
            int slots, int rankMax, int blockTokens, int rowsMax, List<LoraWeights> adapters) {
        try (AdapterSlots staged = new AdapterSlots(model, slots, rankMax);
                KvCache cache =
                        new KvCache(model, ProbeFingerprint.blocks(blockTokens), blockTokens);
                ForwardPass pass = new ForwardPass(model, staged, cache, rowsMax)) {
            int slot = AdapterSlots.BASE;
            for (LoraWeights adapter : adapters) {
                slot = staged.stage(adapter);
            }
            ProbeFingerprint probe = ProbeFingerprint.take(model, pass, cache, slot);
            assertThat(cache.freeBlocks()).isEqualTo(ProbeFingerprint.blocks(blockTokens));
            return probe;
        }
    }

    private LoraWeights effective(long seed, float size) {
        LoraWeights start = LoraWeights.start(config(), model.linearModules(), seed);
        SortedMap<String, LoraPair> pairs = new TreeMap<>(start.pairs());
        pairs.values().forEach(pair -> {
            for (int i = 0; i < pair.b().length; i++) {
                pair.b()[i] = size * ((i * 7 + seed * 3) % 11 - 5);
            }
        });
        return new LoraWeights(start.config(), pairs);
    }

    private static LoraConfig config() {
        return LoraConfig.of(4, 8, List.of("q_proj", "v_proj"));
    }
}
