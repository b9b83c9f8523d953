package dev.flywheel.adapters.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.random.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
    @Test
    void theOrderOfAddingDoesNotChangeTheBytes() {
        float[] x = {1, 2, 3, 4, 5, 6};
        byte[] oneWay = new SafetensorsWriter().add("x", x, 2, 3).add("y", x, 6).toBytes();
        byte[] other = new SafetensorsWriter().add("y", x, 6).add("x", x, 2, 3).toBytes();
        assertThat(oneWay).isEqualTo(other);
        assertThat(SafetensorsFile.of(oneWay).floats("x")).containsExactly(x);
        assertThat(SafetensorsFile.of(oneWay).shape("x")).containsExactly(2L, 3L);
    }

    @Test
    void headerSaysWhereTheBytesLieInTheFile() {
        byte[] file = new SafetensorsWriter().add("x", new float[] {7}, 1).toBytes();
        SafetensorsHeader header = SafetensorsHeader.parse(file, 1000);
        TensorEntry entry = header.tensors().get("x");
        assertThat(header.dataStart() % 8).isZero();
        assertThat(
                ByteBuffer.wrap(file)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getFloat((int) entry.begin()))
                .isEqualTo(7f);
        assertThat(header.metadata()).containsEntry("format", "pt");
    }

    @Test
    void noDamageToTheHeaderIsBelievedOrCrashesTheReader() {
        long seed = Long.getLong("flywheel.seed", 11);
        SeededRandom random = new SeededRandom(seed);
        byte[] good =
                new SafetensorsWriter()
                        .add("a", new float[12], 3, 4)
                        .add("b", new float[5], 5)
                        .toBytes();
        for (int i = 0; i < 20_000; i++) {
            byte[] bad = good.clone();
            int at = random.nextInt(bad.length - 68);
            bad[at] = (byte) random.nextInt(256);
            try {
                SafetensorsHeader header = SafetensorsHeader.parse(bad, 1 << 20);
                long bytes = header.tensors().values().stream().mapToLong(TensorEntry::bytes).sum();
                assertThat(bytes + header.dataStart()).as("seed " + seed).isEqualTo(bad.length);
            } catch (AdapterException expected) {
                assertThat(expected).hasMessageNotContaining("\n");
            }
        }
    }

    @Test
    void refusesDuplicateKeys() {
        String entry = "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
        assertThatThrownBy(
                () -> SafetensorsHeader.parse(file("{" + entry + "," + entry + "}", 4), 1000))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining("Duplicate field 'x'");
    }

    @Test
    void passesOverWhatTheFormatLeavesOpen() {
        SafetensorsHeader header = SafetensorsHeader.parse(
                file("{\"__metadata__\":null,\"x\":{\"later\":{\"a\":[1]},\"dtype\":\"F32\","
                        + "\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
                1000);
        assertThat(header.metadata()).isEmpty();
        assertThat(header.tensors()).containsOnlyKeys("x");
    }

    @Test
    void refusesANegativeNothing() {
        assertThatThrownBy(
                () -> SafetensorsHeader.parse(
                        file("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-0,4]}}",
                                4),
                        1000))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining("data_offsets");
    }

    private static byte[] file(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0x3c00, 1", "0xc000, -2", "0x7bff, 65504", "0x0001, 5.9604645e-8"})
    void halfFloatsWidenExactly(String bits, float expected) {
        assertThat(HalfFloats.fromF16(Integer.decode(bits).shortValue())).isEqualTo(expected);
    }

    @Test
    void bfloat16RoundsToTheNearestTiesToEven() {
        assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(1.00390625f))).isEqualTo(1f);
        assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(1.01171875f))).isEqualTo(1.015625f);
        assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(Float.NaN))).isNaN();
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = HalfFloats.fromBf16((short) bits);
            if (!Float.isNaN(value)) {
                assertThat(HalfFloats.toBf16(value)).isEqualTo((short) bits);
            }
        }
    }
}
