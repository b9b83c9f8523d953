package dev.flywheel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.device.Backends;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WarmUpTest {
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void aWarmBackendComputesAsBefore(String name) {
        try (Device d = new Device(Backends.open(name, 1))) {
            d.backend.warmUp();
            Buffer y = d.f32(0, 0);
            d.backend.matmul(d.stream, y, d.f32(2, 3), d.f32(5, 7, 11, 13), 1, 0, 1, 2, 2);
            assertThat(d.read(y)).containsExactly(31, 61);
        }
    }
}
