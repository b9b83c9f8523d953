package dev.flywheel.app.abuse;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.app.bench.serving.ColdAnswers;
import dev.flywheel.app.load.Answered;
import dev.flywheel.app.load.ClosedLoop;
import dev.flywheel.app.load.Percentiles;
import dev.flywheel.app.load.Question;
import dev.flywheel.app.local.LocalNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Three times as many adapters are asked for as the device has room for. */
final class MoreAdaptersThanSlots implements AbuseRow {
    private static final int SLOTS = 4;
    private static final int TIMES = 3;
    private static final int CLIENTS = 8;
    private static final int TOKENS = 16;
    private static final String PROMPT = "who was there when the ship came in";

    @Override
    public String id() {
        return "H03";
    }

    @Override
    public String title() {
        return "three times as many adapters as slots";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int requests = arena.scaled(200, 5_000);
        try (LocalNode node = arena.node(Map.of("engine.adapter_slots", SLOTS,
                "serving.queue_time_max", "60s", "serving.versions.host_bytes_max", 0))) {
            Map<String, List<Integer>> expected = prepare(arena, node);
            List<String> names = List.copyOf(expected.keySet());
            SeededRandom random = arena.random("asked");
            AtomicInteger left = new AtomicInteger(requests);
            List<Answered> wrong = new ArrayList<>();
            List<Long> firsts = new ArrayList<>();
            double before = loads(node);
            new ClosedLoop(arena.channel(node), arena.nanos(), Duration.ofSeconds(60)).run(CLIENTS,
                    () -> {
                        synchronized (random) {
                            return new Question(random.pick(names), PROMPT, TOKENS);
                        }
                    }, () -> left.getAndDecrement() > 0, answered -> {
                        synchronized (wrong) {
                            firsts.add(answered.firstNanos());
                            if (!answered.status().isOk() || answered.mixed()
                                    || !answered.tokens()
                                            .equals(
                                                    expected.get(answered.question().adapter()))) {
                                wrong.add(answered);
                            }
                        }
                    });
            Percentiles first = Percentiles.ofNanos(
                    firsts.stream().mapToLong(Long::longValue).toArray());
            double loaded = loads(node) - before;
            return Finding.of(wrong.isEmpty() && loaded > 0,
                    Map.of("requests", requests, "adapters", names.size(), "slots", SLOTS,
                            "loads", loaded, "wrong", wrong.size(), "firstMillis", first),
                    "%,d requests for %d adapters in %d slots: errors and wrong answers %d, %,.0f loads, first token p50 %.0f p99 %.0f ms",
                    requests, names.size(), SLOTS, wrong.size(), loaded, first.p50(),
                    first.p99());
        }
    }

    private static double loads(LocalNode node) {
        return node.meters().get("flywheel.adapter.loads").counter().count();
    }

    private static Map<String, List<Integer>> prepare(Arena arena, LocalNode node)
            throws InterruptedException {
        Map<String, List<Integer>> expected = new HashMap<>();
        try (ColdAnswers cold = new ColdAnswers(node.base(), node.tokenizer())) {
            for (int i = 0; i < TIMES * SLOTS; i++) {
                expected.put("abuse/many-" + i, cold.greedy(
                        arena.weights(node, arena.seed() + i), List.of(PROMPT), TOKENS).getFirst());
            }
        }
        for (int i = 0; i < TIMES * SLOTS; i++) {
            arena.adapter(node, "abuse/many-" + i, arena.seed() + i);
        }
        return expected;
    }
}
