package dev.flywheel.engine.staging;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Host memory outside the heap, freed as one.
 *
 * <p>Thread-safe; nothing allocated here may be used after {@link #close}.
 */
public final class HostMemory implements AutoCloseable {
    private final Arena arena = Arena.ofShared();

    /** Returns the arena, for files to be mapped into. */
    public Arena arena() {
        return arena;
    }

    public MemorySegment floats(long elements) {
        return arena.allocate(ValueLayout.JAVA_FLOAT, elements);
    }

    public MemorySegment ints(long elements) {
        return arena.allocate(ValueLayout.JAVA_INT, elements);
    }

    @Override
    public void close() {
        arena.close();
    }
}
