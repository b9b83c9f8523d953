package dev.flywheel.serving.freshness;

import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures the loop at this node: from the time of a feedback event until the first answer by a version that was trained on it.
 *
 * <p>An answer of a version stands for every version that it comes from, up to the newest one that has answered before. Versions
 * that were committed before this was made are left out, since nobody here knows when they first answered, and so are rounds that
 * hold the examples of earlier ones again. {@link #answered} may be called by any thread and costs one look at a map; all others by
 * one.
 */
public final class FirstAnswers {
    private static final int WAITING_MAX = 1024;
    private static final int ANCESTORS_MAX = 256;

    private final LineageSource lineage;
    private final InstantSource clock;
    private final LongConsumer delays;
    private final long since;
    private final Map<String, AtomicLong> newest = new ConcurrentHashMap<>();
    private final BlockingQueue<First> arrived = new ArrayBlockingQueue<>(WAITING_MAX);
    private final ArrayDeque<First> waiting = new ArrayDeque<>();

    /** A version's first answer; {@code before} is the newest one that had answered until then. */
    private record First(String adapter, long before, long number, long atMillis) {}

    /**
     * @param clock wall time: events come with that of other machines
     * @param delays hears of each event, milliseconds
     */
    public FirstAnswers(LineageSource lineage, InstantSource clock, LongConsumer delays) {
        this.lineage = lineage;
        this.clock = clock;
        this.delays = delays;
        this.since = clock.millis();
    }

    /** A version has given the first of an answer. */
    public void answered(VersionRef version) {
        if (version.getAdapter().isEmpty()) {
            return; // the bare base model learns nothing
        }
        AtomicLong known =
                newest.computeIfAbsent(version.getAdapter(), adapter -> new AtomicLong(-1));
        if (version.getNumber() <= known.get()) {
            return;
        }
        long before = known.getAndAccumulate(version.getNumber(), Math::max);
        if (before < version.getNumber()) {
            // What finds no room is not measured; a figure is not worth a request's time.
            var unused = arrived.offer(
                    new First(version.getAdapter(), before, version.getNumber(), clock.millis()));
        }
    }

    /** Measures what has answered since the last time; what the store does not tell now is asked for the next time. */
    public void measure() {
        arrived.drainTo(waiting, WAITING_MAX - waiting.size());
        for (int left = waiting.size(); left > 0; left--) {
            First first = waiting.remove();
            if (!settle(first)) {
                waiting.addLast(first);
                return; // the store is away
            }
        }
    }

    /** Returns false if its past is not told now. */
    private boolean settle(First first) {
        ArrayDeque<ManifestRecord> made = new ArrayDeque<>();
        long number = first.number();
        for (int steps = 0; number > first.before() && steps < ANCESTORS_MAX; steps++) {
            Optional<VersionRecord> version = lineage.version(first.adapter(), number);
            if (version.isEmpty()) {
                return false;
            }
            if (version.get().getManifestSeq() == 0
                    || version.get().getCreatedAtMillis() < since) {
                break;
            }
            @Nullable ManifestRecord manifest =
                    lineage.manifest(first.adapter(), version.get().getManifestSeq()).orElse(null);
            if (manifest == null) {
                return false;
            }
            made.add(manifest);
            number = version.get().getParent();
        }
        made.forEach(manifest -> tell(manifest, first.atMillis()));
        return true;
    }

    private void tell(ManifestRecord manifest, long answeredAt) {
        if (manifest.getSummary().getReplays() != 0) {
            return;
        }
        for (ExampleRecord example : manifest.getExamplesList()) {
            if (example.getFeedbackCount() > 0 && example.getUntrainable().isEmpty()) {
                delays.accept(answeredAt - example.getLabelledAtMillis());
            }
        }
    }
}
