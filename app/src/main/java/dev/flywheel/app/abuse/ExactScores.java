package dev.flywheel.app.abuse;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.app.bench.serving.ColdAnswers;
import dev.flywheel.app.bench.serving.VersionPublisher;
import dev.flywheel.app.local.LocalNode;
import java.util.List;
import java.util.Map;

/** After many swaps a version scores as on a node that never served another. */
final class ExactScores implements AbuseRow {
    private static final String ADAPTER = "abuse/exact";

    @Override
    public String id() {
        return "H08";
    }

    @Override
    public String title() {
        return "scores after many swaps against a fresh node's";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int swaps = arena.scaled(20, 1_000);
        List<String> prompts = Scores.prompts(arena.random("prompts"), arena.scaled(10, 200));
        RequestScope scope = RequestScope.newBuilder().setAdapter(ADAPTER).build();
        List<Long> swapped;
        List<Long> fresh;

        try (LocalNode node = arena.node(Map.of())) {
            arena.adapter(node, ADAPTER, arena.seed());
            publish(node, arena.weights(node, arena.seed() + 1));
            node.awaitServed(ADAPTER, 1);
            swap(arena, node, swaps, prompts, scope);
            swapped = Scores.bits(arena.inference(node), scope, prompts);
        }
        try (LocalNode node = arena.node(Map.of())) {
            arena.adapter(node, ADAPTER, arena.seed() + 1);
            fresh = Scores.bits(arena.inference(node), scope, prompts);
        }
        return Finding.of(swapped.equals(fresh),
                Map.of("swaps", swaps, "prompts", prompts.size(), "swappedBits", swapped,
                        "freshBits", fresh),
                "scores of %d prompts after %,d swaps against a fresh node's: %s",
                prompts.size(), swaps, Scores.difference(swapped, fresh));
    }

    private static void publish(LocalNode node, LoraWeights weights) {
        try (ColdAnswers cold = new ColdAnswers(node.base(), node.tokenizer())) {
            var unused = new VersionPublisher(node.store(), node.base()).publish(ADAPTER, weights,
                    cold.fingerprint(weights));
        }
    }

    private static void swap(Arena arena, LocalNode node, int swaps, List<String> prompts,
            RequestScope scope) throws InterruptedException {
        AliasRecord serving = node.store()
                .listAliases(ADAPTER)
                .stream()
                .filter(alias -> alias.getAlias().equals("serving"))
                .findFirst()
                .orElseThrow();
        for (int i = 0; i < 2 * (swaps / 2); i++) {
            serving = node.store()
                    .setAlias(SetAliasRequest.newBuilder()
                            .setAdapter(ADAPTER)
                            .setAlias("serving")
                            .setVersion(1 - serving.getVersion())
                            .setExpectedRevision(serving.getRevision())
                            .setActor("abuse")
                            .build());
            node.awaitServed(ADAPTER, serving.getVersion());
            var unused = Scores.bits(arena.inference(node), scope,
                    prompts.subList(i % prompts.size(), i % prompts.size() + 1));
            arena.step(i, swaps);
        }
    }
}
