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
 * Other types, and wrapped memory outside the heap, are read through {@link Widening} only.
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
            case Q8, Q4 -> new byte[Math.toIntExact(dtype.bytes(elements))];
        };
        return new CpuBuffer(dtype, Storage.ofArray(array, false, budget), 0, elements);
    }

    static CpuBuffer wrap(DType dtype, MemorySegment host, PanelBudget budget) {
        long elements = dtype.elements(host.byteSize());
        Object array = host.heapBase().orElse(null);
        boolean direct = (dtype == DType.F32 && array instanceof float[])
                || (dtype == DType.I32 && array instanceof int[]);
        if (direct && array != null && host.address() % dtype.groupBytes() == 0) {
            long offset = host.address() / dtype.groupBytes();
            return new CpuBuffer(dtype, Storage.ofArray(array, true, budget), offset, elements);
        }
        return new CpuBuffer(dtype, new Storage(null, host, true, budget), 0, elements);
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
        if (from % dtype.groupElements() != 0 || count % dtype.groupElements() != 0) {
            throw new IllegalArgumentException("a slice of " + dtype + " takes whole groups of "
                    + dtype.groupElements() + ", got " + count + " elements from " + from);
        }
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

    /**
     * Copies whole elements to the beginning of this buffer.
     *
     * <p>Into arrays as elements: a copy from segment to segment of less than 64 bytes writes longs, and
     * compiled code that then read the array's own elements did not always see them (JDK 25.0.3).
     */
    void copyFrom(MemorySegment host) {
        storage.settled.written(offset, elements);
        Object array = Objects.requireNonNull(storage.array, "wrapped memory is never written");
        MemorySegment.copy(host, layout(array), 0, array, index(array), count(array, host));
    }

    /** Copies as many elements as fill {@code host}, in the way of {@link #copyFrom}. */
    void copyTo(MemorySegment host) {
        Object array = storage.array;
        if (array == null) {
            host.copyFrom(memory().asSlice(0, host.byteSize()));
        } else {
            MemorySegment.copy(array, index(array), host, layout(array), 0, count(array, host));
        }
    }

    private static ValueLayout layout(Object array) {
        return switch (array) {
            case float[] unused -> ValueLayout.JAVA_FLOAT_UNALIGNED;
            case int[] unused -> ValueLayout.JAVA_INT_UNALIGNED;
            case short[] unused -> ValueLayout.JAVA_SHORT_UNALIGNED;
            default -> ValueLayout.JAVA_BYTE;
        };
    }

    private int index(Object array) {
        return Math.toIntExact(dtype.bytes(offset) / layout(array).byteSize());
    }

    private static int count(Object array, MemorySegment host) {
        return Math.toIntExact(host.byteSize() / layout(array).byteSize());
    }

    /** Returns the bytes of this buffer, for copies. */
    MemorySegment memory() {
        return storage.memory.asSlice(dtype.bytes(offset), dtype.bytes(elements));
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
            int[] copy = new int[Math.toIntExact(elements)];
            MemorySegment.copy(memory(), ValueLayout.JAVA_INT_UNALIGNED, 0, copy, 0, copy.length);
            copiedInts = copy;
        }
        return copiedInts;
    }

    /** Returns where this buffer begins in {@link #floats} or {@link #ints}. */
    int base() {
        return storage.floats != null || storage.ints != null ? (int) offset : 0;
    }

    /** Returns the byte offset in {@link #root} of an element, or of the group it lies in. */
    long byteOffset(long element) {
        return (offset + element) / dtype.groupElements() * dtype.groupBytes();
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

    /** Lets {@link #settled} know this part, until something is copied into it. */
    void settle() {
        storage.settled.add(offset, elements);
    }

    /** Returns what is kept of this part if it is settled, else null. */
    SettledParts.@Nullable Part settled() {
        return storage.settled.find(offset, elements);
    }

    /** What slices share. */
    private static final class Storage {
        private final float @Nullable [] floats;
        private final int @Nullable [] ints;
        private final @Nullable Object array;
        private final MemorySegment memory;
        private final boolean frozen;
        private final PanelBudget.Panels panels;
        private final SettledParts settled = new SettledParts();
        private volatile boolean closed;

        private Storage(@Nullable Object array, MemorySegment memory, boolean frozen,
                PanelBudget budget) {
            this.array = array;
            this.floats = array instanceof float[] f ? f : null;
            this.ints = array instanceof int[] i ? i : null;
            this.memory = memory;
            this.frozen = frozen;
            this.panels = budget.open();
        }

        private static Storage ofArray(Object array, boolean frozen, PanelBudget budget) {
            return switch (array) {
                case float[] f -> new Storage(f, MemorySegment.ofArray(f), frozen, budget);
                case int[] i -> new Storage(i, MemorySegment.ofArray(i), frozen, budget);
                case byte[] b -> new Storage(b, MemorySegment.ofArray(b), frozen, budget);
                case short[] h -> new Storage(h, MemorySegment.ofArray(h), frozen, budget);
                default -> throw new AssertionError("no buffer is made of " + array.getClass());
            };
        }

        private void close() {
            closed = true;
            panels.close();
        }
    }
}
