package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.app.local.LocalNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Connections that ask for nothing, and some that ping all the time. */
final class IdleConnections implements AbuseRow {
    private static final int PINGS = 20;
    private static final int PINGING = 20;
    /** So many connections more than the node takes. */
    private static final int BEYOND = 20;
    /** Of the row's own client, which asks beside them. */
    private static final int OWN = 4;
    private static final int FDS_EACH = 2;
    private static final int FDS_SPARE = 500;
    private static final double KIB_MOST = 64;

    @Override
    public String id() {
        return "A07";
    }

    @Override
    public String title() {
        return "idle connections, and some that ping all the time";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int wanted = arena.scaled(300, 5_000);
        long free = files().getMaxFileDescriptorCount() - files().getOpenFileDescriptorCount();
        int count = (int) Math.min(wanted, (free - FDS_SPARE) / FDS_EACH);
        int limit = count - BEYOND;
        try (LocalNode node = arena.node(Map.of("server.keep_alive_min", "10s",
                "server.connections_max", limit + OWN))) {
            int sentAway = 0;
            for (int i = 0; i < PINGING; i++) {
                sentAway += pings(node.port()) ? 1 : 0;
            }
            score(arena, node);
            long fds = files().getOpenFileDescriptorCount();
            long none = Memory.held();
            List<RawHttp2> idle = new ArrayList<>();
            try {
                for (int i = 0; i < count; i++) {
                    idle.add(new RawHttp2(node.port()));
                    arena.step(i, count);
                }
                double kib = (Memory.held() - none) / 1024.0 / count;
                long more = files().getOpenFileDescriptorCount() - fds;
                boolean refused = arena.until(() -> refusedBy(node) >= BEYOND - OWN);
                score(arena, node);
                boolean held = sentAway == PINGING && kib <= KIB_MOST && refused;
                return Finding.of(held,
                        Map.of("connections", count, "kibEach", kib, "fds", more, "pinging",
                                PINGING, "sentAway", sentAway, "refused", refusedBy(node)),
                        "%,d idle connections: %.1f KiB each, %,d descriptors for both ends, %,.0f beyond the limit were closed, a request is answered beside them; %d of %d that ping all the time got GOAWAY",
                        count, kib, more, refusedBy(node), sentAway, PINGING);
            } finally {
                for (RawHttp2 each : idle) {
                    each.close();
                }
            }
        }
    }

    private static void score(Arena arena, LocalNode node) {
        var unused = arena.inference(node)
                .score(ScoreRequest.newBuilder().setPrompt("a").addContinuations("b").build());
    }

    private static double refusedBy(LocalNode node) {
        return node.meters().get("flywheel.serving.connections.refused").counter().count();
    }

    private static boolean pings(int port) throws IOException {
        try (RawHttp2 raw = new RawHttp2(port)) {
            for (int i = 0; i < PINGS; i++) {
                raw.ping();
            }
            return raw.goneAway();
        } catch (RawHttp2.ClosedException closed) {
            return true;
        }
    }

    private static com.sun.management.UnixOperatingSystemMXBean files() {
        return (com.sun.management.UnixOperatingSystemMXBean) ManagementFactory
                .getOperatingSystemMXBean();
    }
}
