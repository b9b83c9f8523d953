package dev.flywheel.engine.backend.cpu;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Parts of a buffer that are read many times before they are written again, with their packed form. There are as many as their owner
 * settles, and each takes about its own size again. Thread-safe, but for a part that is written while it is read.
 */
final class SettledParts {
    private final ConcurrentMap<Long, Part> parts = new ConcurrentHashMap<>();

    void add(long offset, long elements) {
        parts.put(offset, new Part(elements));
    }

    @Nullable
    Part find(long offset, long elements) {
        Part part = parts.get(offset);
        return part != null && part.elements == elements ? part : null;
    }

    /** Forgets what overlaps with so many elements. */
    void written(long from, long count) {
        if (!parts.isEmpty()) {
            parts.entrySet()
                    .removeIf(each -> each.getKey() < from + count
                            && from < each.getKey() + each.getValue().elements);
        }
    }

    /** One part, packed for the way in which it was first read. */
    static final class Part {
        private final long elements;
        private volatile @Nullable Packed packed;

        private record Packed(int rows, int depth, boolean alongDepth, float[] panels) {}

        private Part(long elements) {
            this.elements = elements;
        }

        /** Returns its panels, made at the first call; null if it is read in another way now. */
        float @Nullable [] panels(Operand as, Supplier<float[]> pack) {
            Packed known = packed;
            if (known == null) {
                known = new Packed(as.rows(), as.depth(), as.alongDepth(), pack.get());
                packed = known;
            }
            return known.rows == as.rows() && known.depth == as.depth()
                    && known.alongDepth == as.alongDepth() ? known.panels : null;
        }
    }
}
