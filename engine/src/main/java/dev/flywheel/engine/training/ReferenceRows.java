package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Buffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the base made of the latest leashed batches, so that steps that come back to a batch need
 * not run the base again: it is frozen. A batch is known by its identity.
 *
 * <p>Holds a few buffers at most. Not thread-safe.
 */
final class ReferenceRows implements AutoCloseable {
    private static final int KEPT_MAX = 6;

    private record Kept(PackedBatch batch, Buffer rows) {}

    private final Supplier<Buffer> allocate;
    private final Deque<Kept> newestFirst = new ArrayDeque<>();

    /**
     * @param allocate gives a buffer that can hold the rows of any batch
     */
    ReferenceRows(Supplier<Buffer> allocate) {
        this.allocate = allocate;
    }

    /** Returns the batch's rows, or null if they are not kept. */
    @SuppressWarnings("ReferenceEquality") // the very object: comparing contents would cost more than it saves
    @Nullable
    Buffer find(PackedBatch batch) {
        for (Kept kept : newestFirst) {
            if (kept.batch() == batch) {
                newestFirst.remove(kept);
                newestFirst.addFirst(kept);
                return kept.rows();
            }
        }
        return null;
    }

    /** Returns a buffer to write the batch's rows to; those of the longest unused batch give way. */
    Buffer claim(PackedBatch batch) {
        Buffer rows =
                newestFirst.size() < KEPT_MAX ? allocate.get() : newestFirst.removeLast().rows();
        newestFirst.addFirst(new Kept(batch, rows));
        return rows;
    }

    @Override
    public void close() {
        newestFirst.forEach(kept -> kept.rows().close());
        newestFirst.clear();
    }
}
