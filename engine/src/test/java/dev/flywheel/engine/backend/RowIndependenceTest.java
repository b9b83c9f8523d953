package dev.flywheel.engine.backend;

import static dev.flywheel.engine.backend.Device.normal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.backend.cpu.CpuBackend;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A row's result is the same bits alone and in any company. */
class RowIndependenceTest {
    private static final int ROWS = 29;
    private static final int IN = 70;
    private static final int OUT = 45;

    private final Device device = new Device(new CpuBackend(1, 1 << 20));
    private final Backend backend = device.backend;

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "I32", mode = EnumSource.Mode.EXCLUDE)
    void aRowOfAProductDoesNotDependOnTheOtherRows(DType type) {
        float[] x = normal(1, ROWS * IN);
        Buffer w = device.wrapped(type, normal(2, OUT * IN));
        float[] together = product(x, ROWS, w);
        for (int rows : new int[] {1, 2, 4, 5, 8, 11, 12, 13}) {
            for (int r = 0; r + rows <= ROWS; r += rows) {
                float[] some = product(Arrays.copyOfRange(x, r * IN, (r + rows) * IN), rows, w);
                assertThat(some).isEqualTo(
                        Arrays.copyOfRange(together, r * OUT, (r + rows) * OUT));
            }
        }
    }

    @Test
    void aRowWithAnAdapterDoesNotDependOnItsNeighboursAdapters() {
        int rank = 8;
        float[] x = normal(1, ROWS * IN);
        Buffer a = device.f32(normal(2, 3 * rank * IN));
        Buffer b = device.f32(normal(3, 3 * OUT * rank));
        int[] slots = new int[ROWS];
        for (int r = 0; r < ROWS; r++) {
            slots[r] = r * r % 4 - 1;
        }
        float[] together = adapted(x, slots, a, b, rank);
        for (int r = 0; r < ROWS; r++) {
            float[] alone = adapted(Arrays.copyOfRange(x, r * IN, (r + 1) * IN),
                    new int[] {slots[r]}, a, b, rank);
            assertThat(alone).isEqualTo(Arrays.copyOfRange(together, r * OUT, (r + 1) * OUT));
        }
    }

    @Test
    void attentionOfARowIsTheSameInAnyChunkAndBesideAnySequence() {
        for (AttentionShape shape : new AttentionShape[] {
            new AttentionShape(4, 2, 32, 0.2f, 0, 0),
            new AttentionShape(4, 1, 20, 0.2f, 9, 5)}) {
            int tokens = 75;
            Buffer keys = device.f32(normal(1, 160 * shape.kvDim()));
            Buffer values = device.f32(normal(2, 160 * shape.kvDim()));
            float[] q = normal(3, tokens * shape.queryDim());
            float[] whole = paged(shape, q, 0, tokens, false, keys, values);
            for (int chunk : new int[] {1, 7, 33}) {
                for (int from = 0; from < tokens; from += chunk) {
                    int to = Math.min(from + chunk, tokens);
                    float[] expected = Arrays.copyOfRange(whole, from * shape.queryDim(),
                            to * shape.queryDim());
                    assertThat(paged(shape, q, from, to, false, keys, values)).isEqualTo(expected);
                    assertThat(paged(shape, q, from, to, true, keys, values)).isEqualTo(expected);
                }
            }
        }
    }

    private float[] product(float[] x, int rows, Buffer w) {
        Buffer y = device.f32(new float[rows * OUT]);
        backend.matmul(device.stream, y, device.f32(x), w, 1, 0, rows, IN, OUT);
        return device.read(y);
    }

    private float[] adapted(float[] x, int[] slots, Buffer a, Buffer b, int rank) {
        int rows = slots.length;
        Buffer shrunk = device.f32(new float[rows * rank]);
        float[] ones = new float[rows * OUT];
        Arrays.fill(ones, 1);
        Buffer y = device.f32(ones);
        backend.loraShrink(device.stream, shrunk, device.f32(x), a, device.i32(slots), rows, IN,
                rank);
        backend.loraExpand(device.stream, y, shrunk, b, device.f32(1, 2, 3), device.i32(slots),
                rows, rank, OUT);
        return device.read(y);
    }

    /** Rows [from, to) of sequence 0, alone or after a row of a sequence with the same prefix. */
    private float[] paged(AttentionShape shape, float[] q, int from, int to, boolean company,
            Buffer keys, Buffer values) {
        int extra = company ? 1 : 0;
        int rows = to - from + extra;
        int dim = shape.queryDim();
        int[] sequences = new int[rows];
        int[] positions = new int[rows];
        float[] queries = normal(9, rows * dim);
        System.arraycopy(q, from * dim, queries, extra * dim, (to - from) * dim);
        for (int r = extra; r < rows; r++) {
            positions[r] = from + r - extra;
        }
        if (company) {
            sequences[0] = 1;
            positions[0] = 79;
        }
        int[] tables = new int[20];
        for (int i = 0; i < 10; i++) {
            tables[i] = 19 - i;
            tables[10 + i] = i < 5 ? 19 - i : i;
        }
        Buffer out = device.f32(new float[rows * dim]);
        backend.attendPaged(device.stream, out, device.f32(queries), keys, values,
                device.i32(sequences), device.i32(positions), device.i32(tables), shape, rows, 10,
                8);
        return Arrays.copyOfRange(device.read(out), extra * dim, rows * dim);
    }
}
