package dev.flywheel.app.abuse;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.app.load.Prompts;
import dev.flywheel.app.local.LocalNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One tenant times prompts that another one's requests began with, to find out what it asked. */
final class CacheProbe implements AbuseRow {
    private static final int WORDS = 120;
    private static final double AUC_OFF_MOST = 0.03;
    /** With few trials chance alone is further off than that: so many standard deviations of it are allowed. */
    private static final double DEVIATIONS = 3.2;
    private static final double OWN_AUC_LEAST = 0.75;

    @Override
    public String id() {
        return "A13";
    }

    @Override
    public String title() {
        return "a tenant times prompts that another one asked";
    }

    /** Who asks whether it can tell: times of prompts that the first tenant asked, and of fresh ones. */
    private static final class Times {
        private final List<Long> asked = new ArrayList<>();
        private final List<Long> fresh = new ArrayList<>();

        /** The chance that a prompt that was asked is answered sooner than a fresh one. */
        double auc() {
            double won = 0;
            for (long one : asked) {
                for (long other : fresh) {
                    won += one < other ? 1 : one == other ? 0.5 : 0;
                }
            }
            return won / asked.size() / fresh.size();
        }
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int trials = arena.scaled(100, 2_000);
        try (LocalNode node = arena.node(Map.of())) {
            InferenceGrpc.InferenceBlockingStub stub =
                    InferenceGrpc.newBlockingStub(arena.channel(node));
            Times warm = new Times();
            long unusedCached = probe(arena, node, stub, "spy", trials / 5, warm);
            Times spied = new Times();
            long shared = probe(arena, node, stub, "spy", trials, spied);
            Times own = new Times();
            long found = probe(arena, node, stub, "owner", Math.max(50, trials / 10), own);
            double off = Math.max(AUC_OFF_MOST, DEVIATIONS / Math.sqrt(6.0 * trials));
            boolean held = shared == 0 && Math.abs(spied.auc() - 0.5) <= off && found > 0
                    && own.auc() >= OWN_AUC_LEAST;
            return Finding.of(held,
                    Map.of("trials", trials, "auc", spied.auc(), "allowedOff", off, "ownAuc",
                            own.auc(), "tokensFromAnothersCache", shared, "tokensFromOwnCache",
                            found, "askedNanos", spied.asked, "freshNanos", spied.fresh),
                    "%,d trials: another tenant's AUC %.3f (0.5 within %.3f), %d tokens from the cache; the same tenant's AUC %.3f, %,d tokens",
                    trials, spied.auc(), off, shared, own.auc(), found);
        }
    }

    /** Returns the tokens that who timed them found in the cache. */
    private static long probe(Arena arena, LocalNode node,
            InferenceGrpc.InferenceBlockingStub stub, String who, int trials, Times times) {
        SeededRandom random = arena.random("probe" + who + trials);
        long cached = 0;
        for (int i = 0; i < trials; i++) {
            String asked = prompt(random);
            String fresh = prompt(random);
            long unusedNanos = time(arena, stub, "owner", asked);
            long before = node.prefixTokensCached();
            if (random.chance(0.5)) {
                times.asked.add(time(arena, stub, who, asked));
                times.fresh.add(time(arena, stub, who, fresh));
            } else {
                times.fresh.add(time(arena, stub, who, fresh));
                times.asked.add(time(arena, stub, who, asked));
            }
            cached += node.prefixTokensCached() - before;
            arena.step(i, trials);
        }
        return cached;
    }

    private static String prompt(SeededRandom random) {
        return Prompts.numbered(100_000_000 + random.nextInt(800_000_000), WORDS, random);
    }

    private static long time(Arena arena, InferenceGrpc.InferenceBlockingStub stub,
            String tenant, String prompt) {
        GenerateRequest request = GenerateRequest.newBuilder()
                .setScope(RequestScope.newBuilder().setTenant(tenant))
                .setPrompt(prompt)
                .setMaxTokens(1)
                .build();
        long start = arena.now();
        stub.generate(request).forEachRemaining(reply -> {});
        return arena.now() - start;
    }
}
