package dev.flywheel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.device.Backends;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BufferTest {
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void aSliceIsAViewThatCannotLeaveItsBuffer(String name) {
        try (Device d = new Device(Backends.open(name, 1))) {
            Buffer whole = d.f32(1, 2, 3, 4, 5);
            Buffer middle = whole.slice(1, 3).slice(1, 2);
            d.backend.fill(d.stream, middle, 9, 1);

            assertThat(d.read(whole)).containsExactly(1, 2, 9, 4, 5);
            assertThat(d.read(middle)).containsExactly(9, 4);
            assertThatThrownBy(() -> middle.slice(1, 2))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void wrappedMemoryOutsideTheHeapIsReadWhereItLies(String name) {
        try (Device d = new Device(Backends.open(name, 1)); Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(100 * Float.BYTES + 4, 4);
            for (int i = 0; i < 100; i++) {
                host.set(ValueLayout.JAVA_FLOAT, 4 + i * 4L, i);
            }
            Buffer w = d.backend.wrap(DType.F32, host.asSlice(4)).slice(10, 60);
            Buffer y = d.f32(new float[3]);
            d.backend.matmul(d.stream, y, w.slice(0, 20), w, 1, 0, 1, 20, 3);

            float[] expected = new float[3];
            for (int o = 0; o < 3; o++) {
                for (int i = 0; i < 20; i++) {
                    expected[o] += (10f + i) * (10f + o * 20 + i);
                }
            }
            assertThat(d.read(y)).containsExactly(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void wrongTypesAndLengthsAreRefusedByName(String name) {
        try (Device d = new Device(Backends.open(name, 1))) {
            Buffer x = d.f32(1, 2);
            assertThatThrownBy(() -> d.backend.fill(d.stream, x, 0, 3))
                    .hasMessage("x holds 2 elements, the call needs 3");
            assertThatThrownBy(() -> d.backend.gatherRows(d.stream, x, x, x, 1, 2))
                    .hasMessage("index holds F32, allowed is I32");
            assertThatThrownBy(() -> d.backend.gatherRows(d.stream, x, x, d.i32(1), 1, 2))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void aClosedBufferIsRefusedThroughItsSlicesToo(String name) {
        try (Device d = new Device(Backends.open(name, 1))) {
            Buffer x = d.f32(1, 2);
            Buffer slice = x.slice(0, 1);
            x.close();
            assertThatThrownBy(() -> d.backend.fill(d.stream, slice, 0, 1))
                    .hasMessage("x is closed");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opencl", ""})
    void unknownBackendsAreRefusedWithTheKnownOnes(String name) {
        assertThatThrownBy(() -> Backends.open(name, 1)).hasMessageContaining("cpu or reference");
    }
}
