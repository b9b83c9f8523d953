package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.app.load.Percentiles;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** Deadlines of a millisecond, of ten years, and none. */
final class Deadlines implements AbuseRow {
    private static final int TOKENS = 512;
    private static final long DEFAULT_MILLIS = 40;
    private static final long LONGEST_MILLIS = 60;
    private static final double OVERSHOOT_MOST_MILLIS = 1_000;

    /** How one kind of deadline was kept. */
    private record Kept(Map<String, Integer> codes, Percentiles overshoot) {}

    @Override
    public String id() {
        return "A08";
    }

    @Override
    public String title() {
        return "deadlines of a millisecond, ten years, none";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int times = arena.scaled(20, 300);
        try (LocalNode node = arena.node(Map.of(
                "serving.deadline_default", DEFAULT_MILLIS + "ms",
                "serving.deadline_max", LONGEST_MILLIS + "ms"))) {
            int blocks = node.freeBlocks();
            InferenceGrpc.InferenceBlockingStub stub =
                    InferenceGrpc.newBlockingStub(arena.channel(node));
            Kept unusedWarm = kept(arena, 5, DEFAULT_MILLIS, stub, each -> each);
            Kept none = kept(arena, times, DEFAULT_MILLIS, stub, each -> each);
            Kept years = kept(arena, times, LONGEST_MILLIS, stub,
                    each -> each.withDeadlineAfter(3_650, TimeUnit.DAYS));
            Kept least = kept(arena, times, 1, stub,
                    each -> each.withDeadlineAfter(1, TimeUnit.MILLISECONDS));
            long last = arena.now();
            boolean idle = arena.until(() -> Arena.idle(node, blocks));
            double idleMillis = (arena.now() - last) / 1e6;
            boolean held = idle && List.of(none, years, least)
                    .stream()
                    .allMatch(each -> each.codes().containsKey(Code.DEADLINE_EXCEEDED.name())
                            && each.codes()
                                    .keySet()
                                    .stream()
                                    .allMatch(
                                            code -> code.equals("OK")
                                                    || code.equals("DEADLINE_EXCEEDED"))
                            && each.overshoot().p99() <= OVERSHOOT_MOST_MILLIS);
            return Finding.of(held,
                    Map.of("none", none, "years", years, "millisecond", least, "idleMillis",
                            idleMillis),
                    "none %s p99 %.0f ms after the node's %d ms; 10 years %s p99 %.0f ms after its longest %d ms; 1 ms %s p99 %.0f ms after; idle %.0f ms later",
                    none.codes(), none.overshoot().p99(), DEFAULT_MILLIS, years.codes(),
                    years.overshoot().p99(), LONGEST_MILLIS, least.codes(),
                    least.overshoot().p99(), idleMillis);
        }
    }

    private static Kept kept(Arena arena, int times, long millis,
            InferenceGrpc.InferenceBlockingStub stub,
            UnaryOperator<InferenceGrpc.InferenceBlockingStub> deadline) {
        Map<String, Integer> codes = new TreeMap<>();
        List<Long> over = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            arena.step(i, times);
            Refused end = Refused.of(arena, () -> deadline.apply(stub)
                    .generate(Reading.endless("", TOKENS))
                    .forEachRemaining(reply -> {}));
            codes.merge(end.code().name(), 1, Integer::sum);
            over.add(Math.max(0, (long) ((end.millis() - millis) * 1e6)));
        }
        return new Kept(codes,
                Percentiles.ofNanos(over.stream().mapToLong(Long::longValue).toArray()));
    }
}
