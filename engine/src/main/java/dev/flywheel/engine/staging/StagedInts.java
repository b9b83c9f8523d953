package dev.flywheel.engine.staging;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Whole numbers that the host and kernels hand to each other, in either direction.
 *
 * <p>Not thread-safe. Owns its host and device memory; {@link #buffer} is valid until the next
 * {@link #require} or {@link #close}.
 */
public final class StagedInts implements AutoCloseable {
    private final Backend backend;
    private HostMemory memory;
    private MemorySegment host;
    private Buffer device;
    private int capacity;

    public StagedInts(Backend backend, int capacity) {
        this.backend = backend;
        this.capacity = Math.max(1, capacity);
        this.memory = new HostMemory();
        this.host = memory.ints(this.capacity);
        this.device = backend.allocate(DType.I32, this.capacity);
    }

    /** Makes room for {@code elements}; the contents are lost when it has to grow. */
    public void require(int elements) {
        if (elements <= capacity) {
            return;
        }
        close();
        capacity = Math.max(elements, (int) Math.min(Integer.MAX_VALUE, 2L * capacity));
        memory = new HostMemory();
        host = memory.ints(capacity);
        device = backend.allocate(DType.I32, capacity);
    }

    public void set(int index, int value) {
        host.setAtIndex(ValueLayout.JAVA_INT, index, value);
    }

    /** Returns what was set, or what the last {@link #download} brought. */
    public int get(int index) {
        return host.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    /** Copies the first {@code elements} to the host and waits for them. */
    public void download(Stream s, int elements) {
        backend.download(s, device.slice(0, elements),
                host.asSlice(0, (long) elements * Integer.BYTES));
    }

    /** Copies the first {@code elements} to the device. */
    public Buffer upload(Stream s, int elements) {
        backend.upload(s, host.asSlice(0, (long) elements * Integer.BYTES),
                device.slice(0, elements));
        return device;
    }

    public Buffer buffer() {
        return device;
    }

    @Override
    public void close() {
        device.close();
        memory.close();
    }
}
