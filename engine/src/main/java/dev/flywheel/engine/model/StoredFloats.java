package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Reads weights as they lie in a file, widened exactly. */
final class StoredFloats {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);

    private StoredFloats() {}

    static Quantizer.Source of(DType type, MemorySegment memory) {
        return switch (type) {
            case F32 -> (from, to, n) -> MemorySegment.copy(memory, F32, 4 * from, to, 0, n);
            case BF16 -> (from, to, n) -> {
                for (int i = 0; i < n; i++) {
                    to[i] = Float.intBitsToFloat(memory.get(I16, 2 * (from + i)) << 16);
                }
            };
            case F16 -> (from, to, n) -> {
                for (int i = 0; i < n; i++) {
                    to[i] = Float.float16ToFloat(memory.get(I16, 2 * (from + i)));
                }
            };
            case I32, Q8, Q4 -> throw new IllegalArgumentException(
                    "weights are stored as F32, BF16 or F16, got " + type);
        };
    }
}
