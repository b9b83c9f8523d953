package dev.flywheel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.device.Backends;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is said to be settled is read from another form of it, with the same bits, and never after it was written again. */
class SettledBufferTest {
    private static final int IN = 70;
    private static final int OUT = 40;

    private Backend backend;
    private Stream stream;
    private Buffer x;
    private Buffer y;

    @BeforeEach
    void open() {
        backend = Backends.open("cpu", 1);
        stream = backend.stream(Stream.Priority.SERVING);
        x = buffer(values(IN, 3));
        y = backend.allocate(DType.F32, OUT);
    }

    @AfterEach
    void close() {
        x.close();
        y.close();
        stream.close();
        backend.close();
    }

    private static float[] values(int n, int seed) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) Math.sin(seed + i);
        }
        return values;
    }

    private Buffer buffer(float[] values) {
        Buffer buffer = backend.allocate(DType.F32, values.length);
        backend.upload(stream, MemorySegment.ofArray(values), buffer);
        return buffer;
    }

    private float[] product(Buffer weights) {
        backend.matmul(stream, y, x, weights, 1, 0, 1, IN, OUT);
        float[] result = new float[OUT];
        backend.download(stream, y, MemorySegment.ofArray(result));
        return result;
    }

    @Test
    void itComputesTheSameBits() {
        try (Buffer weights = buffer(values(IN * OUT, 5))) {
            float[] before = product(weights);
            backend.settle(weights);
            assertThat(product(weights)).isEqualTo(before);
            assertThat(product(weights)).isEqualTo(before);
        }
    }

    @Test
    void whatIsWrittenIntoAPartOfItIsReadByTheNextCall() {
        try (Buffer weights = buffer(values(IN * OUT, 5));
                Buffer fresh = buffer(values(IN * OUT, 5))) {
            backend.settle(weights);
            float[] before = product(weights);
            float[] row = new float[IN];
            Arrays.fill(row, 1);
            for (Buffer each : new Buffer[] {weights, fresh}) {
                backend.upload(stream, MemorySegment.ofArray(row), each.slice(7 * IN, IN));
            }
            assertThat(product(weights)).isEqualTo(product(fresh)).isNotEqualTo(before);
        }
    }
}
