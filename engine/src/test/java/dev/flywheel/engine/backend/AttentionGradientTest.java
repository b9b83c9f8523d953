package dev.flywheel.engine.backend;

import static dev.flywheel.engine.backend.Device.normal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.backend.cpu.CpuBackend;
import dev.flywheel.engine.backend.reference.ReferenceBackend;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What attention's gradient is to the bit, not merely about. */
class AttentionGradientTest {
    private static final long SEED = 23;
    private static final int ROUNDS = 60;

    /**
     * One weight of one cannot move. A rounding error in its place would be the whole gradient of a
     * query projection in a batch of single tokens, and AdamW makes a full step of any gradient.
     */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void aRowThatSeesOneTokenMovesNeitherItsQueryNorThatKey(String name) {
        Random random = new Random(SEED);
        for (int round = 0; round < ROUNDS; round++) {
            int rows = 1 + random.nextInt(30);
            boolean window = random.nextBoolean();
            int kvHeads = 1 + random.nextInt(2);
            AttentionShape shape = new AttentionShape(
                    kvHeads * (1 + random.nextInt(3)), kvHeads, 2 + random.nextInt(40), 0.4f,
                    window ? 1 : 0, random.nextBoolean() ? 3 : 0);
            int[] spans = IntStream.range(0, rows)
                    .flatMap(row -> IntStream.of(0, 0, window ? 0 : row))
                    .toArray();
            int[] positions = IntStream.range(0, rows).map(row -> window ? row : 0).toArray();
            try (Device d = new Device(
                    name.equals("cpu") ? new CpuBackend(1, 0) : new ReferenceBackend())) {
                float[][] gradients = gradients(d, shape, spans, positions, rows);
                for (float[] gradient : gradients) {
                    assertThat(gradient).as("seed %d, round %d: %s", SEED, round, shape)
                            .containsOnly(0f);
                }
            }
        }
    }

    /** Returns dq and dk. */
    private static float[][] gradients(
            Device d, AttentionShape shape, int[] spans, int[] positions, int rows) {
        int queries = rows * shape.queryDim();
        int keys = rows * shape.kvDim();
        Buffer q = d.f32(normal(1, queries));
        Buffer k = d.f32(normal(2, keys));
        Buffer v = d.f32(normal(3, keys));
        Buffer dOut = d.f32(normal(4, queries));
        Buffer out = d.f32(new float[queries]);
        Buffer lse = d.f32(new float[rows * shape.heads()]);
        Buffer seen = d.i32(spans);
        Buffer at = d.i32(positions);
        d.backend.attendPacked(d.stream, out, lse, q, k, v, seen, at, shape, rows);
        Buffer dq = d.f32(new float[queries]);
        Buffer dk = d.f32(new float[keys]);
        Buffer dv = d.f32(new float[keys]);
        d.backend.attendPackedBackward(d.stream, dq, dk, dv, dOut, out, lse, q, k, v, seen, at,
                shape, rows);
        return new float[][] {d.read(dq), d.read(dk)};
    }
}
