package dev.flywheel.app.abuse;

import dev.flywheel.app.load.ClosedLoop;
import dev.flywheel.app.load.Percentiles;
import dev.flywheel.app.load.Question;
import dev.flywheel.app.local.LocalNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Streams that are opened and reset at once, over and over, on raw connections. */
final class ResetFlood implements AbuseRow {
    private static final int CLIENTS = 4;
    private static final int RESETS_MAX = 200;

    @Override
    public String id() {
        return "A06";
    }

    @Override
    public String title() {
        return "streams opened and reset at once";
    }

    /** What other clients got. */
    private record Others(int failed, Percentiles first) {}

    @Override
    public Finding run(Arena arena) throws Exception {
        int streams = arena.scaled(2_000, 10_000);
        try (LocalNode node = arena.node(Map.of("server.resets_per_window_max", RESETS_MAX))) {
            int blocks = node.freeBlocks();
            Others before = others(arena, node, timed(Duration.ofSeconds(2)));
            AtomicBoolean flooding = new AtomicBoolean(true);
            CompletableFuture<Others> meanwhile = CompletableFuture.supplyAsync(
                    () -> others(arena, node, flooding));
            int sent = 0;
            int connections = 0;
            int closed = 0;
            int most = 0;
            while (sent < streams) {
                int taken = flood(node.port(), streams - sent);
                connections++;
                closed += taken < 0 ? 1 : 0;
                most = Math.max(most, Math.abs(taken));
                sent += Math.max(1, Math.abs(taken));
                arena.step(Math.min(sent, streams - 1L), streams);
            }
            flooding.set(false);
            Others during = meanwhile.join();
            boolean idle = arena.until(() -> Arena.idle(node, blocks));
            boolean held = idle && during.failed() == 0 && closed >= connections - 1
                    && closed > 0;
            return Finding.of(held,
                    Map.of("streams", sent, "connections", connections, "closed", closed,
                            "mostOnOne", most, "othersFailed",
                            during.failed(), "othersBefore", before.first(), "othersDuring",
                            during.first()),
                    "%,d streams opened and reset: %d of %d connections closed with GOAWAY, at most %,d streams sent on one (limit %d and what is under way); others failed %d, first token p99 %.1f ms, %.1f ms without",
                    sent, closed, connections, most, RESETS_MAX, during.failed(),
                    during.first().p99(), before.first().p99());
        }
    }

    /** Returns how many were sent on one connection, negative if the node closed it. */
    private static int flood(int port, int streams) throws IOException {
        int sent = 0;
        try (RawHttp2 raw = new RawHttp2(port)) {
            while (sent < streams) {
                raw.openAndReset(2 * sent + 1);
                sent++;
            }
            return raw.goneAway() ? -sent : sent;
        } catch (RawHttp2.ClosedException closed) {
            return -sent;
        }
    }

    private static AtomicBoolean timed(Duration time) {
        AtomicBoolean more = new AtomicBoolean(true);
        Thread unused = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(time);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            more.set(false);
        });
        return more;
    }

    private static Others others(Arena arena, LocalNode node, AtomicBoolean more) {
        AtomicInteger asked = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        List<Long> firsts = new ArrayList<>();
        try {
            new ClosedLoop(arena.channel(node), arena.nanos(), Duration.ofSeconds(60)).run(
                    CLIENTS, () -> new Question("", "from " + asked.incrementAndGet(), 16),
                    more::get, answered -> {
                        synchronized (firsts) {
                            failed.addAndGet(answered.status().isOk() ? 0 : 1);
                            firsts.add(answered.firstNanos());
                        }
                    });
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return new Others(failed.get(),
                Percentiles.ofNanos(firsts.stream().mapToLong(Long::longValue).toArray()));
    }
}
