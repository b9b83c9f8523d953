package dev.flywheel.app.abuse;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.app.local.LocalNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Slots that held a larger adapter and cache blocks that another tenant filled: nothing of them may shine through. */
final class Residue implements AbuseRow {
    private static final String LARGE = "abuse/large";
    private static final String SMALL = "abuse/small";
    private static final int RANK = 16;
    private static final List<String> TARGETS =
            List.of("q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj");
    private static final Map<String, Object> SMALL_NODE = Map.of("engine.adapter_slots", 2,
            "serving.versions.host_bytes_max", 0, "engine.kv_blocks", 128);

    @Override
    public String id() {
        return "A14";
    }

    @Override
    public String title() {
        return "slots and cache blocks that another one filled";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        List<String> prompts = Scores.prompts(arena.random("prompts"), arena.scaled(10, 200));
        RequestScope small =
                RequestScope.newBuilder().setAdapter(SMALL).build();
        List<Long> used;
        try (LocalNode node = arena.node(SMALL_NODE)) {
            for (int i = 0; i < 3; i++) {
                createLarge(arena, node, LARGE + i);
                canaries(arena, node, LARGE + i);
            }
            arena.adapter(node, SMALL, arena.seed());
            used = Scores.bits(arena.inference(node), small, prompts);
        }
        List<Long> fresh;
        try (LocalNode node = arena.node(SMALL_NODE)) {
            arena.adapter(node, SMALL, arena.seed());
            fresh = Scores.bits(arena.inference(node), small, prompts);
        }
        return Finding.of(used.equals(fresh),
                Map.of("prompts", prompts.size(), "usedBits", used, "freshBits", fresh),
                "scores of %d prompts in slots and blocks that larger adapters and another tenant filled against a fresh node's: %s",
                prompts.size(), Scores.difference(used, fresh));
    }

    /** Fills more blocks than there are with another tenant's words. */
    private static void canaries(Arena arena, LocalNode node, String adapter) {
        List<String> canaries = Scores.prompts(arena.random("canary" + adapter), 60);
        var unused = Scores.bits(arena.inference(node),
                RequestScope.newBuilder().setAdapter(adapter).build(), canaries);
        var unusedToo = Scores.bits(arena.inference(node),
                RequestScope.newBuilder().setTenant("first").build(), canaries);
    }

    private static void createLarge(Arena arena, LocalNode node, String name)
            throws InterruptedException {
        LoraWeights start = LoraWeights.start(LoraConfig.of(RANK, RANK, TARGETS),
                node.base().linearModules(), arena.seed());
        start.pairs().values().forEach((LoraPair pair) -> Arrays.fill(pair.b(), 0.5f));
        var unused = node.store()
                .createAdapter(CreateAdapterRequest.newBuilder()
                        .setName(name)
                        .setBaseDigest(node.base().digest().hex())
                        .setLora(LoraSettings.newBuilder()
                                .setRank(RANK)
                                .setAlpha(RANK)
                                .addAllTargetModules(TARGETS))
                        .setRound(RoundSettings.newBuilder()
                                .setLearningRate(1e-3)
                                .setEpsilon(1e-8)
                                .setSteps(1)
                                .setNormMax(1e9)
                                .setExamplesMax(8))
                        .setRelease(ReleasePolicy.RELEASE_POLICY_IMMEDIATE)
                        .setStartDigest(node.store().putBlob(start.toSafetensors()).getDigest())
                        .build());
        node.awaitServed(name, 0);
    }
}
