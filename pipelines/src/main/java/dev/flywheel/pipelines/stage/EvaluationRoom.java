package dev.flywheel.pipelines.stage;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/** How much memory evaluation takes for each adapter of a subtask. Written by one thread; the sum may be read by any. */
final class EvaluationRoom {
    private record Held(long bytes, String adapter) {}

    private final long max;
    private final Map<String, Held> held = new HashMap<>();
    private final TreeSet<Held> bySize =
            new TreeSet<>(Comparator.comparingLong(Held::bytes).thenComparing(Held::adapter));
    private volatile long total;

    EvaluationRoom(long max) {
        this.max = max;
    }

    /** An adapter takes so much now; 0: it is forgotten. */
    void set(String adapter, long bytes) {
        Held before = bytes > 0 ? held.put(adapter, new Held(bytes, adapter))
                : held.remove(adapter);
        if (before != null) {
            bySize.remove(before);
        }
        if (bytes > 0) {
            bySize.add(new Held(bytes, adapter));
        }
        total = total + bytes - (before == null ? 0 : before.bytes()); // one thread writes
    }

    long total() {
        return total;
    }

    boolean isShort() {
        return total > max;
    }

    /** Returns the adapter that takes the most; there is one where room is short. */
    String largest() {
        return bySize.last().adapter();
    }
}
