package dev.flywheel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.flywheel.engine.backend.cpu.CpuBackend;
import dev.flywheel.engine.backend.reference.ReferenceBackend;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The fast backends against the reference: implementation by kernel by type by shape. */
class ParityTest {
    private static final long PANEL_BYTES_MAX = 64L << 20;

    static List<KernelCase> kernels() {
        return KernelCases.all();
    }

    @ParameterizedTest(name = "cpu, 1 thread: {0}")
    @MethodSource("kernels")
    void cpuAgreesWithTheReference(KernelCase kernel) {
        agree(kernel, new CpuBackend(1, PANEL_BYTES_MAX));
    }

    @ParameterizedTest(name = "cpu, nothing kept packed, 3 threads: {0}")
    @MethodSource("kernels")
    void resultsDependNeitherOnThreadsNorOnWhatIsKeptPacked(KernelCase kernel) {
        try (Device one = new Device(new CpuBackend(1, PANEL_BYTES_MAX));
                Device three = new Device(new CpuBackend(3, 0))) {
            List<Buffer> expected = kernel.run().apply(one);
            List<Buffer> actual = kernel.run().apply(three);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(three.read(actual.get(i))).isEqualTo(one.read(expected.get(i)));
            }
        }
    }

    private static void agree(KernelCase kernel, Backend backend) {
        try (Device reference = new Device(new ReferenceBackend());
                Device device = new Device(backend)) {
            List<Buffer> expected = kernel.run().apply(reference);
            List<Buffer> actual = kernel.run().apply(device);
            for (int i = 0; i < expected.size(); i++) {
                compare(kernel, i, device.read(actual.get(i)), reference.read(expected.get(i)));
            }
        }
    }

    private static void compare(KernelCase kernel, int output, float[] actual, float[] expected) {
        double scale = 0;
        for (float value : expected) {
            scale = Math.max(scale, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs((double) actual[i] - expected[i]);
            if (!(difference <= kernel.tolerance() * (1 + scale))) {
                fail("%s, output %d, element %d: got %s, expected %s", kernel, output, i,
                        actual[i], expected[i]);
            }
        }
    }
}
