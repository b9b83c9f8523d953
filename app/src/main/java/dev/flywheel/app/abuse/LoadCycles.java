package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.app.bench.serving.SyntheticAdapters;
import dev.flywheel.app.bench.serving.VersionPublisher;
import dev.flywheel.app.local.LocalNode;
import java.util.Map;

/** Versions are loaded and thrown out of few slots again and again, and adapters made and deleted: memory must not grow. */
final class LoadCycles implements AbuseRow {
    private static final int ADAPTERS = 12;
    private static final int SLOTS = 4;
    private static final int DELETES_EVERY = 10;
    private static final int WARM_SHARE = 5;
    private static final double GROWTH_MOST = 0.01;
    /** The store remembers a deleted adapter, whose name stays taken. */
    private static final double DELETED_BYTES_MOST = 4_096;
    /** Now and then an adapter is still in its slot. */
    private static final double MISSES_LEAST = 0.9;
    private static final double MIB = 1 << 20;

    @Override
    public String id() {
        return "M01";
    }

    @Override
    public String title() {
        return "versions loaded and unloaded, adapters made and deleted";
    }

    @Override
    public Finding run(Arena arena) throws Exception {
        int cycles = arena.scaled(200, 10_000);
        try (LocalNode node = arena.node(Map.of("engine.adapter_slots", SLOTS,
                "serving.versions.host_bytes_max", 0, "store.adapters_max", 20_000))) {
            for (int i = 0; i < ADAPTERS; i++) {
                arena.adapter(node, name(i), arena.seed() + i);
            }
            int warm = cycles / WARM_SHARE;
            int deletes = cycles / DELETES_EVERY;
            load(arena, node, warm);
            make(arena, node, deletes / WARM_SHARE, "warm");
            double loads = loads(node);
            long before = Memory.held();
            load(arena, node, cycles);
            long loaded = Memory.held();
            double count = loads(node) - loads;
            make(arena, node, deletes, "passing");
            long after = Memory.held();
            double byLoads = (loaded - before) / (double) before;
            double each = (after - loaded) / (double) deletes;
            double beyond = (after - loaded - deletes * DELETED_BYTES_MOST) / before;
            return Finding.of(
                    byLoads < GROWTH_MOST && beyond < GROWTH_MOST
                            && count >= MISSES_LEAST * cycles
                            && node.leases() == 0,
                    Map.of("cycles", cycles, "loads", count, "bytesBefore", before,
                            "bytesAfterLoads", loaded, "bytesAfterDeletes", after, "deleted",
                            deletes),
                    "%,d loads into %d slots: heap and direct memory %.2f MiB before, %.2f MiB after, %+.2f %%; %,d adapters made and deleted: %.2f MiB, %+.0f bytes each (their names stay taken)",
                    Math.round(count), SLOTS, before / MIB, loaded / MIB, 100 * byLoads, deletes,
                    after / MIB, each);
        }
    }

    private static String name(int index) {
        return "abuse/cycled-" + index;
    }

    private static double loads(LocalNode node) {
        return node.meters().get("flywheel.adapter.loads").counter().count();
    }

    private static void load(Arena arena, LocalNode node, int times) {
        for (int i = 0; i < times; i++) {
            score(arena, node, name(i % ADAPTERS));
            arena.step(i, times);
        }
    }

    private static void make(Arena arena, LocalNode node, int times, String name)
            throws InterruptedException {
        for (int i = 0; i < times; i++) {
            makeAndDelete(arena, node, "abuse/" + name + "-" + i);
        }
    }

    private static void score(Arena arena, LocalNode node, String adapter) {
        var unused = arena.inference(node)
                .score(ScoreRequest.newBuilder()
                        .setScope(RequestScope.newBuilder().setAdapter(adapter))
                        .setPrompt("a")
                        .addContinuations("b")
                        .build());
    }

    private static void makeAndDelete(Arena arena, LocalNode node, String name)
            throws InterruptedException {
        new VersionPublisher(node.store(), node.base()).create(name,
                new SyntheticAdapters(node.base(), 1).weights(arena.seed()));
        node.awaitServed(name, 0);
        var unused = node.store()
                .deleteAdapter(DeleteAdapterRequest.newBuilder()
                        .setName(name)
                        .setExpectedRevision(node.store().getAdapter(name).getRevision())
                        .setActor("abuse")
                        .build());
    }
}
