package dev.flywheel.app.abuse;

import dev.flywheel.app.load.ClosedLoop;
import dev.flywheel.app.load.Percentiles;
import dev.flywheel.app.load.Question;
import dev.flywheel.app.local.LocalNode;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Many clients read one reply of a long answer and then no more. */
final class StalledReaders implements AbuseRow {
    private static final int TOKENS = 400;
    private static final int WINDOW_BYTES = 64;
    private static final double MIB = 1 << 20;
    private static final int OTHERS = 4;
    private static final int ANSWERS = 100;

    /** What other clients got meanwhile. */
    private record Others(int failed, Percentiles first) {}

    @Override
    public String id() {
        return "A04";
    }

    @Override
    public String title() {
        return "readers that read one reply and then no more";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int readers = arena.scaled(40, 200);
        Duration stall = Duration.ofSeconds(arena.scaled(12, 40));
        try (LocalNode node = arena.node(Map.of("serving.stall_timeout", stall.toSeconds() + "s",
                "serving.queue_time_max", "10m", "serving.requests_per_tenant_max", 256,
                "serving.deadline_default", "5m"))) {
            ManagedChannel narrow = NettyChannelBuilder.forAddress("127.0.0.1", node.port())
                    .usePlaintext()
                    .flowControlWindow(WINDOW_BYTES)
                    .build();
            try {
                return run(arena, node, narrow, readers, stall);
            } finally {
                narrow.shutdownNow();
            }
        }
    }

    private static Finding run(Arena arena, LocalNode node, ManagedChannel narrow, int readers,
            Duration stall) throws InterruptedException {
        int blocks = node.freeBlocks();
        Others before = others(arena, node);
        long none = Memory.held();
        List<Reading> stalled = new ArrayList<>();
        long asked = arena.now();
        for (int i = 0; i < readers; i++) {
            stalled.add(Reading.stalling(ClientInterceptors.intercept(narrow, arena.statuses()),
                    Reading.endless("", TOKENS)));
        }
        boolean began = arena.until(() -> stalled.stream().allMatch(Reading::began)
                && node.freeBlocks() == blocks);
        double inside = Arena.gauge(node, "flywheel.serving.streams");
        double mib = (Memory.held() - none) / MIB / readers;
        Others during = others(arena, node);
        boolean freed = arena.until(() -> Arena.idle(node, blocks));
        double seconds = (arena.now() - asked) / 1e9;
        stalled.forEach(Reading::readOn);
        Map<Status.Code, Long> ends = stalled.stream()
                .collect(Collectors.groupingBy(
                        each -> each.end().join().getCode(), TreeMap::new, Collectors.counting()));
        long ended = ends.getOrDefault(Status.Code.DEADLINE_EXCEEDED, 0L);
        boolean held = began && freed && inside == readers && ended == readers && mib <= 1
                && before.failed() + during.failed() == 0;
        return Finding.of(held,
                Map.of("readers", readers, "stalledAtMeasure", inside, "mibEach", mib, "ends",
                        ends, "freedSeconds", seconds, "stallTimeoutSeconds", stall.toSeconds(),
                        "othersFailed", during.failed(), "othersBefore", before.first(),
                        "othersDuring", during.first()),
                "%d stalled readers (%.0f at once): %.3f MiB each, ends %s, all freed %.0f s after they asked (timeout %d s); others failed %d, first token p99 %.1f ms, %.1f ms without them",
                readers, inside, mib, ends, seconds, stall.toSeconds(), during.failed(),
                during.first().p99(), before.first().p99());
    }

    private static Others others(Arena arena, LocalNode node) throws InterruptedException {
        AtomicInteger left = new AtomicInteger(ANSWERS);
        AtomicInteger failed = new AtomicInteger();
        List<Long> firsts = new ArrayList<>();
        new ClosedLoop(arena.channel(node), arena.nanos(), Duration.ofSeconds(60)).run(OTHERS,
                () -> new Question("", "who came from the north " + left.get(), 16),
                () -> left.getAndDecrement() > 0, answered -> {
                    synchronized (firsts) {
                        if (!answered.status().isOk()) {
                            failed.incrementAndGet();
                        }
                        firsts.add(answered.firstNanos());
                    }
                });
        return new Others(failed.get(),
                Percentiles.ofNanos(firsts.stream().mapToLong(Long::longValue).toArray()));
    }
}
