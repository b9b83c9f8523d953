package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.VersionRange;
import dev.flywheel.app.console.Progress;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Option;

/** How a command that changes what an adapter has learned waits until that is done, and tells of it. */
final class RepairOptions {
    private static final Duration LOOK_EVERY = Duration.ofMillis(100);

    @Option(names = "--wait", paramLabel = "DURATION", converter = DurationConverter.class,
            description = "How long to wait until every round that is kept is trained again, such as 10m. Default: ${DEFAULT-VALUE}.",
            defaultValue = "10m") private Duration patience = Duration.ZERO;

    /**
     * What was done.
     *
     * @param from HEAD before
     * @param base the version from which rounds were trained again
     * @param quarantined rounds that were taken out
     * @param rounds how many were to be trained again
     * @param left how many still are
     * @param head HEAD now
     */
    record Repaired(
            String adapter,
            long from,
            long base,
            long quarantined,
            long rounds,
            long left,
            long head) {
        boolean done() {
            return left == 0;
        }

        String text() {
            return "%s was at version %d and is at %d: %d rounds taken out and quarantined, %d trained again from version %d%s"
                    .formatted(adapter, from, head, quarantined, rounds - left, base,
                            done() ? "" : ", %d still to train".formatted(left));
        }
    }

    /** Waits at a running node. In the folder of one that is not running the node goes on with it when it starts. */
    Repaired await(RegistryOptions registry, OutputOptions output, String adapter, Repair repair) {
        if (registry.node == null || repair.getRounds() == 0) {
            return registry.ask(store -> told(adapter, repair, store.getAdapter(adapter)));
        }
        return registry.ask(store -> await(store, output, adapter, repair));
    }

    private Repaired await(StoreClient store, OutputOptions output, String adapter,
            Repair repair) {
        long began = System.nanoTime();
        Progress progress = new Progress(output.progress(), output.watched(), "rounds",
                repair.getRounds(), began);
        while (true) {
            Repaired told = told(adapter, repair, store.getAdapter(adapter));
            progress.update(told.rounds() - told.left(), adapter, System.nanoTime());
            if (told.done() || System.nanoTime() - began > patience.toNanos()) {
                return told;
            }
            LockSupport.parkNanos(LOOK_EVERY.toNanos());
        }
    }

    private static Repaired told(String adapter, Repair repair, AdapterRecord now) {
        long left = now.getRepair().getLeftList().stream().mapToLong(RepairOptions::length).sum();
        return new Repaired(adapter, repair.getFromVersion(), repair.getBaseVersion(),
                repair.getQuarantined(), repair.getRounds(), Math.min(left, repair.getRounds()),
                now.getHead());
    }

    private static long length(VersionRange range) {
        return range.getLast() - range.getFirst() + 1;
    }
}
