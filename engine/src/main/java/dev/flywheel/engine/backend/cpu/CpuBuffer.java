package dev.flywheel.engine.backend.cpu;

import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Elements in an array of the heap, or in wrapped memory.
 *
 * <p>F32 and I32 that kernels write are arrays, because compiled loops over arrays are the fastest.
 * BF16 and F16, and wrapped memory outside the heap, are read through {@link Widening} only.
 */
final class CpuBuffer implements Buffer {
    private final DType dtype;
    private final Storage storage;
    private final long offset; // elements from the start of the storage
    private final long elements;
    private float @Nullable [] copiedFloats; // of wrapped memory that a kernel wants as an array
    private int @Nullable [] copiedInts;

    private CpuBuffer(DType dtype, Storage storage, long offset, long elements) {
        this.dtype = dtype;
        this.storage = storage;
        this.offset = offset;
        this.elements = elements;
    }

    static CpuBuffer allocate(DType dtype, long elements, PanelBudget budget) {
        if (elements < 0 || elements > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("elements must be 0 to " + (Integer.MAX_VALUE - 8)
                    + ", got " + elements + "; split what is larger");
        }
        Object array = switch (dtype) {
            case F32 -> new float[(int) elements];
            case I32 -> new int[(int) elements];
            case BF16, F16 -> new short[(int) elements];
        };
        return new CpuBuffer(dtype, Storage.ofArray(array, false, budget), 0, elements);
    }

    static CpuBuffer wrap(DType dtype, MemorySegment host, PanelBudget budget) {
        if (host.byteSize() % dtype.bytes() != 0) {
            throw new IllegalArgumentException("host memory of " + host.byteSize()
                    + " bytes is no whole number of " + dtype + " elements");
        }
        long elements = host.byteSize() / dtype.bytes();
        Object array = host.heapBase().orElse(null);
        boolean direct = (dtype == DType.F32 && array instanceof float[])
                || (dtype == DType.I32 && array instanceof int[]);
        if (direct && array != null && host.address() % dtype.bytes() == 0) {
            long offset = host.address() / dtype.bytes();
            return new CpuBuffer(dtype, Storage.ofArray(array, true, budget), offset, elements);
        }
        return new CpuBuffer(dtype, new Storage(null, null, host, true, budget), 0, elements);
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
    public CpuBuffer slice(long from, long count) {
        Objects.checkFromIndexSize(from, count, elements);
        return new CpuBuffer(dtype, storage, offset + from, count);
    }

    @Override
    public void close() {
        storage.close();
    }

    boolean closed() {
        return storage.closed;
    }

    /** Returns whether the contents are wrapped and never change. */
    boolean frozen() {
        return storage.frozen;
    }

    /** Returns the bytes of this buffer, for copies. */
    MemorySegment memory() {
        long bytes = dtype.bytes();
        return storage.memory.asSlice(offset * bytes, elements * bytes);
    }

    /** Returns the array that holds this buffer from {@link #base}; null if it is not in one. */
    float @Nullable [] floatsInPlace() {
        return storage.floats;
    }

    /** Returns an array that holds this buffer from {@link #base}, copying wrapped memory once. */
    float[] floats() {
        if (storage.floats != null) {
            return storage.floats;
        }
        if (copiedFloats == null) {
            float[] copy = new float[Math.toIntExact(elements)];
            Widening.read(this, 0, copy, 0, copy.length);
            copiedFloats = copy;
        }
        return copiedFloats;
    }

    /** Like {@link #floats}, for I32. */
    int[] ints() {
        if (storage.ints != null) {
            return storage.ints;
        }
        if (copiedInts == null) {
            copiedInts = memory().toArray(ValueLayout.JAVA_INT_UNALIGNED);
        }
        return copiedInts;
    }

    /** Returns where this buffer begins in {@link #floats} or {@link #ints}. */
    int base() {
        return storage.floats != null || storage.ints != null ? (int) offset : 0;
    }

    /** Returns the byte offset of an element in {@link #root}. */
    long byteOffset(long element) {
        return (offset + element) * dtype.bytes();
    }

    /** Returns the memory that this buffer is a part of. */
    MemorySegment root() {
        return storage.memory;
    }

    /** Returns the packed form of a frozen matrix, kept from call to call; null if there is none. */
    float @Nullable [] packed(int rows, int depth, boolean alongDepth) {
        return storage.frozen
                ? storage.panels.get(new PanelBudget.Key(offset, rows, depth, alongDepth))
                : null;
    }

    /** Keeps the packed form of a frozen matrix. */
    void keepPacked(int rows, int depth, boolean alongDepth, float[] panels) {
        storage.panels.put(new PanelBudget.Key(offset, rows, depth, alongDepth), panels);
    }

    /** What slices share. */
    private static final class Storage {
        private final float @Nullable [] floats;
        private final int @Nullable [] ints;
        private final MemorySegment memory;
        private final boolean frozen;
        private final PanelBudget.Panels panels;
        private volatile boolean closed;

        private Storage(float @Nullable [] floats, int @Nullable [] ints, MemorySegment memory,
                boolean frozen, PanelBudget budget) {
            this.floats = floats;
            this.ints = ints;
            this.memory = memory;
            this.frozen = frozen;
            this.panels = budget.open();
        }

        private static Storage ofArray(Object array, boolean frozen, PanelBudget budget) {
            return switch (array) {
                case float[] f -> new Storage(f, null, MemorySegment.ofArray(f), frozen, budget);
                case int[] i -> new Storage(null, i, MemorySegment.ofArray(i), frozen, budget);
                case short[] h -> new Storage(null, null, MemorySegment.ofArray(h), frozen, budget);
                default -> throw new AssertionError("no buffer is made of " + array.getClass());
            };
        }

        private void close() {
            closed = true;
            panels.close();
        }
    }
}
