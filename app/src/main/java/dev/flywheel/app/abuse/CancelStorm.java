package dev.flywheel.app.abuse;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Channel;
import io.grpc.Status;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** Many answers are cancelled at random tokens: nothing of them may stay. */
final class CancelStorm implements AbuseRow {
    private static final String ADAPTER = "abuse/left";
    private static final int AT_ONCE = 64;
    private static final int TOKENS = 400;
    private static final int PROGRESS_EVERY = 10;
    private static final int LEAVES_MOST = 60;
    private static final int THREADS_MORE = 2;
    /** Beyond them the connection would be closed, which another row is about. */
    private static final int RESETS_MAX = 100_000;

    @Override
    public String id() {
        return "A05";
    }

    @Override
    public String title() {
        return "answers cancelled at random tokens";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int cancels = arena.scaled(300, 5_000);
        try (LocalNode node = arena.node(Map.of("serving.queue_time_max", "60s",
                "server.resets_per_window_max", RESETS_MAX))) {
            arena.adapter(node, ADAPTER, arena.seed());
            int blocks = node.freeBlocks();
            storm(arena, node, 2 * AT_ONCE, "warm");
            boolean unused = arena.until(() -> Arena.idle(node, blocks));
            long threads = Memory.threads();
            Map<Status.Code, Integer> ends = storm(arena, node, cancels, "storm");
            long last = arena.now();
            boolean idle = arena.until(() -> Arena.idle(node, blocks));
            double seconds = (arena.now() - last) / 1e9;
            // The client's threads end once they have had nothing to do for a minute.
            boolean unusedEnded = arena.until(
                    () -> Memory.threads() <= threads + THREADS_MORE);
            long more = Memory.threads() - threads;
            boolean cancelled = ends.keySet()
                    .stream()
                    .allMatch(code -> code == Status.Code.CANCELLED || code == Status.Code.OK);
            Map<String, Object> figures = Map.of("cancels", cancels, "ends", ends,
                    "blocksLeft", blocks - node.freeBlocks(), "leasesLeft", node.leases(),
                    "jobsLeft", Arena.jobs(node), "threadsMore", more, "idleSeconds", seconds);
            return Finding.of(idle && cancelled && more <= THREADS_MORE, figures,
                    "%,d cancels at random tokens: blocks %d, leases %d, jobs %.0f, threads %+d left after %.1f s; ends %s",
                    cancels, blocks - node.freeBlocks(), node.leases(), Arena.jobs(node), more,
                    seconds, ends);
        }
    }

    private static Map<Status.Code, Integer> storm(Arena arena, LocalNode node, int cancels,
            String purpose) throws InterruptedException {
        SeededRandom random = arena.random(purpose);
        Channel channel = arena.channel(node);
        Semaphore places = new Semaphore(AT_ONCE);
        Map<Status.Code, Integer> ends = new ConcurrentHashMap<>();
        AtomicInteger ended = new AtomicInteger();
        for (int i = 0; i < cancels; i++) {
            places.acquire();
            var unused =
                    Reading.leaving(channel, Reading.endless(i % 2 == 0 ? ADAPTER : "", TOKENS),
                            random.nextInt(LEAVES_MOST)).end().thenAccept(status -> {
                                ends.merge(status.getCode(), 1, Integer::sum);
                                ended.incrementAndGet();
                                places.release();
                            });
            if (i % PROGRESS_EVERY == 0) {
                arena.step(Math.min(ended.get(), cancels - 1), cancels);
            }
        }
        places.acquire(AT_ONCE);
        return new TreeMap<>(ends);
    }
}
