package dev.flywheel.engine.backend.cpu;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * How many bytes of packed weights a backend may keep.
 *
 * <p>Packing widens and reorders a matrix for the microkernels. A frozen matrix packed once serves
 * every call; beyond the budget it is packed again in each call, with the same bits. Thread-safe.
 */
final class PanelBudget {
    private final AtomicLong bytesLeft;

    PanelBudget(long bytesMax) {
        this.bytesLeft = new AtomicLong(bytesMax);
    }

    Panels open() {
        return new Panels();
    }

    /** Takes the bytes of {@code floats} elements out of the budget, or returns false. */
    boolean take(long floats) {
        long bytes = floats * Float.BYTES;
        if (bytesLeft.addAndGet(-bytes) >= 0) {
            return true;
        }
        bytesLeft.addAndGet(bytes);
        return false;
    }

    private void giveBack(long floats) {
        bytesLeft.addAndGet(floats * Float.BYTES);
    }

    /** Which matrix, seen which way; see {@link Operand}. */
    record Key(long offset, int rows, int depth, boolean alongDepth) {}

    /** The packed matrices of one wrapped buffer. */
    final class Panels {
        private final ConcurrentMap<Key, float[]> packed = new ConcurrentHashMap<>();

        float @Nullable [] get(Key key) {
            return packed.get(key);
        }

        void put(Key key, float[] panels) {
            if (packed.putIfAbsent(key, panels) != null) {
                giveBack(panels.length); // two calls packed the same matrix at the same time
            }
        }

        void close() {
            for (Key key : packed.keySet()) {
                float[] panels = packed.remove(key);
                if (panels != null) {
                    giveBack(panels.length);
                }
            }
        }
    }
}
