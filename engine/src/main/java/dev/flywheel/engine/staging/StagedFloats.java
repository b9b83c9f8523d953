package dev.flywheel.engine.staging;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Floats that the host and kernels hand to each other, in either direction.
 *
 * <p>Not thread-safe. Owns its host and device memory.
 */
public final class StagedFloats implements AutoCloseable {
    private final Backend backend;
    private final HostMemory memory = new HostMemory();
    private final MemorySegment host;
    private final Buffer device;

    public StagedFloats(Backend backend, int capacity) {
        this.backend = backend;
        this.host = memory.floats(Math.max(1, capacity));
        this.device = backend.allocate(DType.F32, Math.max(1, capacity));
    }

    /** Copies values that stay as they are to the device. */
    public static StagedFloats of(Backend backend, float[] values) {
        StagedFloats staged = new StagedFloats(backend, values.length);
        for (int i = 0; i < values.length; i++) {
            staged.set(i, values[i]);
        }
        try (Stream s = backend.stream(Stream.Priority.SERVING)) {
            staged.upload(s, values.length);
            s.synchronize();
        }
        return staged;
    }

    public void set(int index, float value) {
        host.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
    }

    /** Returns what the last {@link #download} brought. */
    public float get(int index) {
        return host.getAtIndex(ValueLayout.JAVA_FLOAT, index);
    }

    /** Copies the first {@code elements} to the device. */
    public Buffer upload(Stream s, int elements) {
        backend.upload(s, host.asSlice(0, (long) elements * Float.BYTES),
                device.slice(0, elements));
        return device;
    }

    /** Copies the first {@code elements} to the host and waits for them. */
    public void download(Stream s, int elements) {
        backend.download(s, device.slice(0, elements),
                host.asSlice(0, (long) elements * Float.BYTES));
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
