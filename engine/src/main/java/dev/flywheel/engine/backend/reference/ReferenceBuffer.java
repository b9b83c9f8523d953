package dev.flywheel.engine.backend.reference;

import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/** Elements in a memory segment, little-endian, read and written one by one. */
final class ReferenceBuffer implements Buffer {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);

    private final DType dtype;
    private final MemorySegment memory;
    private final long elements;
    private final AtomicBoolean closed; // shared with every slice

    private ReferenceBuffer(
            DType dtype, MemorySegment memory, long elements, AtomicBoolean closed) {
        this.dtype = dtype;
        this.memory = memory;
        this.elements = elements;
        this.closed = closed;
    }

    static ReferenceBuffer allocate(DType dtype, long elements) {
        long bytes = elements < 0 ? 0 : dtype.bytes(elements);
        if (elements < 0 || bytes > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("elements must be 0 to "
                    + Integer.MAX_VALUE / dtype.groupBytes() * dtype.groupElements()
                    + ", got " + elements + "; the reference backend is for small tests, use cpu");
        }
        return wrap(dtype, MemorySegment.ofArray(new byte[(int) bytes]));
    }

    static ReferenceBuffer wrap(DType dtype, MemorySegment memory) {
        return new ReferenceBuffer(
                dtype, memory, dtype.elements(memory.byteSize()), new AtomicBoolean());
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public long elements() {
        return elements;
    }

    @Override
    public ReferenceBuffer slice(long from, long count) {
        Objects.checkFromIndexSize(from, count, elements);
        return new ReferenceBuffer(
                dtype, memory.asSlice(dtype.bytes(from), dtype.bytes(count)), count, closed);
    }

    @Override
    public void close() {
        closed.set(true);
    }

    MemorySegment memory() {
        return memory;
    }

    /** Copies bytes to the beginning of this buffer, one by one: short copies from segment to segment are not safe. */
    void copyFrom(MemorySegment host) {
        for (long i = 0; i < host.byteSize(); i++) {
            memory.set(ValueLayout.JAVA_BYTE, i, host.get(ValueLayout.JAVA_BYTE, i));
        }
    }

    boolean closed() {
        return closed.get();
    }

    /** Returns element {@code i}, widened. */
    float get(long i) {
        return switch (dtype) {
            case F32 -> memory.get(F32, i * 4);
            case BF16 -> Float.intBitsToFloat(memory.get(I16, i * 2) << 16);
            case F16 -> Float.float16ToFloat(memory.get(I16, i * 2));
            case Q8 -> eightBit(i);
            case Q4 -> fourBit(i);
            case I32 -> throw new IllegalStateException("element type is I32, use index()");
        };
    }

    private float eightBit(long i) {
        long group = i / 16 * 18;
        float span = Float.float16ToFloat(memory.get(I16, group));
        return memory.get(ValueLayout.JAVA_BYTE, group + 2 + i % 16) * (span / 128);
    }

    private float fourBit(long i) {
        long group = i / 16 * 11;
        float step = Float.float16ToFloat(memory.get(I16, group));
        int zero = memory.get(ValueLayout.JAVA_BYTE, group + 2) & 0xff;
        int pair = memory.get(ValueLayout.JAVA_BYTE, group + 3 + i % 8) & 0xff;
        int code = i % 16 < 8 ? pair & 0xf : pair >> 4;
        return (16 * code - zero) * (step / 16);
    }

    int index(long i) {
        return memory.get(I32, i * 4);
    }

    void set(long i, double value) {
        memory.set(F32, i * 4, (float) value);
    }

    void setIndex(long i, int value) {
        memory.set(I32, i * 4, value);
    }

    void addTo(long i, double value) {
        set(i, get(i) + value);
    }
}
