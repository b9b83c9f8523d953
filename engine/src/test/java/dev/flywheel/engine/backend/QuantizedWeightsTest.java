package dev.flywheel.engine.backend;

import static dev.flywheel.engine.backend.Device.normal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.backend.cpu.CpuBackend;
import dev.flywheel.engine.backend.reference.ReferenceBackend;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Quantized weights are the floats that their type defines, on every backend, to the bit. */
class QuantizedWeightsTest {
    private static final long SEED = 41;
    private static final long PANEL_BYTES_MAX = 1 << 20;

    /** A backend under test. */
    enum On {
        REFERENCE,
        CPU,
        CPU_NOTHING_KEPT;

        Backend open() {
            return switch (this) {
                case REFERENCE -> new ReferenceBackend();
                case CPU -> new CpuBackend(1, PANEL_BYTES_MAX);
                case CPU_NOTHING_KEPT -> new CpuBackend(1, 0);
            };
        }
    }

    @ParameterizedTest
    @EnumSource(On.class)
    void everyByteWidensToWhatTheTypeDefines(On on) {
        int groups = 64;
        byte[] eight = bytes(DType.Q8, groups);
        byte[] four = bytes(DType.Q4, groups);
        try (Device d = new Device(on.open())) {
            assertThat(widened(d, DType.Q8, eight)).isEqualTo(eightBits(eight)).hasSize(1024);
            assertThat(widened(d, DType.Q4, four)).isEqualTo(fourBits(four)).hasSize(1024);
        }
    }

    @ParameterizedTest
    @EnumSource(On.class)
    void productsAreThoseOfTheWidenedWeights(On on) {
        Random random = new Random(SEED);
        for (int round = 0; round < 30; round++) {
            int rows = 1 + random.nextInt(14);
            int in = 1 + random.nextInt(150);
            int out = 1 + random.nextInt(70);
            for (DType type : new DType[] {DType.Q8, DType.Q4}) {
                byte[] bytes = bytes(type, (in * out + 15) / 16);
                float[] wide = type == DType.Q8 ? eightBits(bytes) : fourBits(bytes);
                try (Device d = new Device(on.open())) {
                    Buffer quantized = d.backend.wrap(type, MemorySegment.ofArray(bytes));
                    Buffer floats = d.wrapped(DType.F32, wide);
                    assertThat(products(d, quantized, rows, in, out))
                            .as("%s [%d, %d, %d], seed %d", type, rows, in, out, SEED)
                            .isDeepEqualTo(products(d, floats, rows, in, out));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(On.class)
    void aSliceIsWholeGroupsAndBytesAreToo(On on) {
        try (Device d = new Device(on.open())) {
            byte[] bytes = bytes(DType.Q4, 6);
            Buffer whole = d.backend.wrap(DType.Q4, MemorySegment.ofArray(bytes));
            float[] all = d.read(embedded(d, whole, 96));
            assertThat(d.read(embedded(d, whole.slice(32, 48), 48)))
                    .isEqualTo(Arrays.copyOfRange(all, 32, 80));
            assertThatThrownBy(() -> whole.slice(8, 16))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("16");
            assertThatThrownBy(
                    () -> d.backend.wrap(DType.Q4, MemorySegment.ofArray(new byte[12])))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("12 bytes");
        }
    }

    private static float[][] products(Device d, Buffer w, int rows, int in, int out) {
        Buffer y = d.f32(new float[rows * out]);
        d.backend.matmul(d.stream, y, d.f32(normal(2, rows * in)), w, 0.5f, 0, rows, in, out);
        Buffer dx = d.f32(normal(4, rows * in));
        d.backend.matmulGradInput(d.stream, dx, d.f32(normal(3, rows * out)), w, 1, 1, rows, in,
                out);
        return new float[][] {d.read(y), d.read(dx)};
    }

    private static float[] widened(Device d, DType type, byte[] bytes) {
        Buffer table = d.backend.wrap(type, MemorySegment.ofArray(bytes));
        return d.read(embedded(d, table, (int) table.elements()));
    }

    private static Buffer embedded(Device d, Buffer table, int n) {
        Buffer out = d.f32(new float[n]);
        d.backend.embed(d.stream, out, table, d.i32(0), 1, 1, n);
        return out;
    }

    /** Any codes, with scales that are finite. */
    private static byte[] bytes(DType type, int groups) {
        byte[] bytes = new byte[groups * type.groupBytes()];
        Random random = new Random(SEED + groups);
        random.nextBytes(bytes);
        for (int g = 0; g < groups; g++) {
            short half = Float.floatToFloat16(random.nextFloat());
            bytes[g * type.groupBytes()] = (byte) half;
            bytes[g * type.groupBytes() + 1] = (byte) (half >> 8);
        }
        return bytes;
    }

    private static float half(byte[] bytes, int at) {
        return Float.float16ToFloat((short) (bytes[at] & 0xff | bytes[at + 1] << 8));
    }

    private static float[] eightBits(byte[] bytes) {
        return floats(IntStream.range(0, bytes.length / 18 * 16)
                .mapToDouble(i -> (float) (bytes[i / 16 * 18 + 2 + i % 16]
                        * (double) (half(bytes, i / 16 * 18) / 128)))
                .toArray());
    }

    private static float[] fourBits(byte[] bytes) {
        return floats(IntStream.range(0, bytes.length / 11 * 16).mapToDouble(i -> {
            int group = i / 16 * 11;
            int code = bytes[group + 3 + i % 8] >> (i % 16 < 8 ? 0 : 4) & 0xf;
            int zero = Byte.toUnsignedInt(bytes[group + 2]);
            return (float) ((16 * code - zero) * (double) (half(bytes, group) / 16));
        }).toArray());
    }

    private static float[] floats(double[] x) {
        float[] out = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            out[i] = (float) x[i];
        }
        return out;
    }
}
