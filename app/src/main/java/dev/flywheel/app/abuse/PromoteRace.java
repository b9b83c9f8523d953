package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.app.local.LocalNode;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Many clients move one alias, each if nobody else has. */
final class PromoteRace implements AbuseRow {
    private static final String ADAPTER = "abuse/raced";
    private static final int CLIENTS = 16;

    @Override
    public String id() {
        return "H06";
    }

    @Override
    public String title() {
        return "clients compare and set one alias";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int rounds = arena.scaled(20, 500);
        try (LocalNode node = arena.node(Map.of());
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            arena.adapter(node, ADAPTER, arena.seed());
            AliasRecord serving = serving(node);
            long first = serving.getRevision();
            CyclicBarrier start = new CyclicBarrier(CLIENTS);
            Map<String, Integer> losses = new ConcurrentHashMap<>();
            int torn = 0;
            for (int round = 0; round < rounds; round++) {
                arena.step(round, rounds);
                long revision = serving.getRevision();
                List<Future<@Nullable AliasRecord>> tries = new ArrayList<>();
                for (int client = 0; client < CLIENTS; client++) {
                    tries.add(clients.submit(() -> {
                        int unused = start.await();
                        return move(node, revision, losses);
                    }));
                }
                List<AliasRecord> won = new ArrayList<>();
                for (Future<@Nullable AliasRecord> each : tries) {
                    AliasRecord record = each.get();
                    if (Objects.nonNull(record)) {
                        won.add(record);
                    }
                }
                serving = serving(node);
                torn += won.size() == 1 && won.getFirst().equals(serving)
                        && serving.getRevision() > revision ? 0 : 1;
            }
            return Finding.of(torn == 0,
                    Map.of("rounds", rounds, "clients", CLIENTS, "roundsWithoutOneWinner", torn,
                            "losses", losses, "firstRevision", first, "lastRevision",
                            serving.getRevision()),
                    "%d clients, %,d rounds: rounds without exactly one winner %d; losers got %s",
                    CLIENTS, rounds, torn, new TreeMap<>(losses));
        }
    }

    private static AliasRecord serving(LocalNode node) {
        return node.store()
                .listAliases(ADAPTER)
                .stream()
                .filter(alias -> alias.getAlias().equals("serving"))
                .findFirst()
                .orElseThrow();
    }

    private static @Nullable AliasRecord move(LocalNode node, long revision,
            Map<String, Integer> losses) {
        try {
            return node.store()
                    .setAlias(SetAliasRequest.newBuilder()
                            .setAdapter(ADAPTER)
                            .setAlias("serving")
                            .setVersion(0)
                            .setExpectedRevision(revision)
                            .setActor("abuse")
                            .build());
        } catch (StatusRuntimeException lost) {
            losses.merge(lost.getStatus().getCode().name(), 1, Integer::sum);
            return null;
        }
    }
}
