package dev.flywheel.engine.backend.cpu;

import dev.flywheel.engine.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Reads quantized weights as floats, see {@link DType#Q8} and {@link DType#Q4}: whole groups by
 * vectors, what is left of a group at either end one by one, with the same bits.
 */
final class GroupWidening {
    private static final int GROUP = 16;
    private static final int Q8_BYTES = DType.Q8.groupBytes();
    private static final int Q4_BYTES = DType.Q4.groupBytes();
    private static final VectorSpecies<Float> LANES = Microkernels.LANES;
    private static final VectorSpecies<Byte> CODES = ByteVector.SPECIES_128;
    private static final VectorSpecies<Long> HALVES = LongVector.SPECIES_128;
    private static final long LOW_HALVES = 0x0f0f0f0f0f0f0f0fL;
    private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);

    private GroupWidening() {}

    /** to[at .. at + n) = elements [from, from + n) of a buffer whose slices are whole groups. */
    static void read(CpuBuffer buffer, long from, float[] to, int at, int n) {
        MemorySegment root = buffer.root();
        boolean eight = buffer.dtype() == DType.Q8;
        int done = 0;
        while (done < n) {
            int first = (int) ((from + done) % GROUP);
            int count = Math.min(GROUP - first, n - done);
            long group = buffer.byteOffset(from + done);
            if (count < GROUP) {
                part(root, group, eight, first, to, at + done, count);
                done += count;
            } else {
                int groups = (n - done) / GROUP;
                whole(root, group, eight, groups, to, at + done);
                done += groups * GROUP;
            }
        }
    }

    private static void whole(MemorySegment root, long group, boolean eight, int groups, float[] to,
            int at) {
        for (int g = 0; g < groups; g++) {
            if (eight) {
                eightBit(root, group + (long) g * Q8_BYTES, to, at + g * GROUP);
            } else {
                fourBit(root, group + (long) g * Q4_BYTES, to, at + g * GROUP);
            }
        }
    }

    private static void eightBit(MemorySegment root, long group, float[] to, int at) {
        float scale = Float.float16ToFloat(root.get(I16, group)) / 128;
        ByteVector codes = ByteVector.fromMemorySegment(CODES, root, group + 2,
                ByteOrder.LITTLE_ENDIAN);
        for (int part = 0; part < GROUP / LANES.length(); part++) {
            ((FloatVector) codes.castShape(LANES, part)).mul(scale)
                    .intoArray(to, at + part * LANES.length());
        }
    }

    private static void fourBit(MemorySegment root, long group, float[] to, int at) {
        float scale = Float.float16ToFloat(root.get(I16, group)) / 16;
        float zero = root.get(I8, group + 2) & 0xff;
        long pairs = root.get(I64, group + 3);
        ByteVector codes = LongVector.zero(HALVES)
                .withLane(0, pairs & LOW_HALVES)
                .withLane(1, pairs >>> 4 & LOW_HALVES)
                .reinterpretAsBytes();
        for (int part = 0; part < GROUP / LANES.length(); part++) {
            ((FloatVector) codes.castShape(LANES, part)).mul(16)
                    .sub(zero)
                    .mul(scale)
                    .intoArray(to, at + part * LANES.length());
        }
    }

    private static void part(MemorySegment root, long group, boolean eight, int first, float[] to,
            int at, int count) {
        float scale = Float.float16ToFloat(root.get(I16, group)) / (eight ? 128 : 16);
        for (int i = 0; i < count; i++) {
            int element = first + i;
            to[at + i] = scale * (eight
                    ? root.get(I8, group + 2 + element)
                    : fourBitFactor(root, group, element));
        }
    }

    private static int fourBitFactor(MemorySegment root, long group, int element) {
        int pair = root.get(I8, group + 3 + element % 8) & 0xff;
        int code = element < 8 ? pair & 0xf : pair >> 4;
        return 16 * code - (root.get(I8, group + 2) & 0xff);
    }
}
