package dev.flywheel.engine.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Reads weights of any type as floats, to the bit as the type defines them. */
final class Widening {
    private static final VectorSpecies<Float> LANES = Microkernels.LANES;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> HALVES = VectorSpecies.of(short.class,
            VectorShape.forBitSize(Math.max(64, LANES.vectorBitSize() / 2)));
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);

    private Widening() {}

    /** to[at .. at + n) = elements [from, from + n) of the buffer. */
    static void read(CpuBuffer buffer, long from, float[] to, int at, int n) {
        float[] array = buffer.floatsInPlace();
        if (array != null) {
            System.arraycopy(array, (int) (buffer.base() + from), to, at, n);
            return;
        }
        switch (buffer.dtype()) {
            case F32 -> MemorySegment.copy(buffer.root(), F32, buffer.byteOffset(from), to, at, n);
            case BF16 -> bf16(buffer.root(), buffer.byteOffset(from), to, at, n);
            case F16 -> f16(buffer.root(), buffer.byteOffset(from), to, at, n);
            case Q8, Q4 -> GroupWidening.read(buffer, from, to, at, n);
            case I32 -> throw new IllegalStateException("I32 holds no weights");
        }
    }

    /** A BF16 is the upper half of an F32. */
    private static void bf16(MemorySegment from, long byteOffset, float[] to, int at, int n) {
        int i = 0;
        for (int end = LANES.loopBound(n); i < end; i += LANES.length()) {
            ShortVector half = ShortVector.fromMemorySegment(HALVES, from, byteOffset + 2L * i,
                    ByteOrder.LITTLE_ENDIAN);
            IntVector bits = (IntVector) half.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS,
                    0);
            FloatVector wide = bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            wide.intoArray(to, at + i);
        }
        for (; i < n; i++) {
            to[at + i] = Float.intBitsToFloat(from.get(I16, byteOffset + 2L * i) << 16);
        }
    }

    private static void f16(MemorySegment from, long byteOffset, float[] to, int at, int n) {
        for (int i = 0; i < n; i++) {
            to[at + i] = Float.float16ToFloat(from.get(I16, byteOffset + 2L * i));
        }
    }
}
