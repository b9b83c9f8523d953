package dev.flywheel.engine.backend;

import static dev.flywheel.engine.backend.Device.normal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.backend.cpu.CpuBackend;
import dev.flywheel.engine.backend.reference.ReferenceBackend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kernel that has a gradient, on every backend: forward it is its formula, backward the formula's
 * central differences in double.
 *
 * <p>The loss is a fixed weighting of the outputs; so its gradient by an input is what the backward
 * kernel gives for those weights. A step of 1e-5 leaves differences exact to about 1e-9; what is
 * allowed, 1e-5 of a tensor's largest element, is for kernels that sum some hundred floats. Where a
 * kernel adds, it adds to ones.
 */
class GradientTest {
    private static final double STEP = 1e-5;
    private static final double ALLOWED = 1e-5;

    /** A backend under test. */
    enum On {
        REFERENCE,
        CPU;

        Device open() {
            return new Device(this == CPU ? new CpuBackend(2, 1 << 20) : new ReferenceBackend());
        }
    }

    @ParameterizedTest
    @MethodSource("weightsOnBackends")
    void matmul(DType type, On on) {
        for (int[] shape : new int[][] {{3, 4, 5}, {1, 33, 7}, {14, 16, 19}}) {
            int rows = shape[0];
            int in = shape[1];
            int out = shape[2];
            with(on, d -> {
                float[] x = normal(1, rows * in);
                float[] dy = normal(3, rows * out);
                Buffer w = d.wrapped(type, normal(2, out * in));
                Buffer y = zeros(d, rows * out);
                d.backend.matmul(d.stream, y, d.f32(x), w, 0.5f, 0, rows, in, out);
                Buffer dx = ones(d, rows * in);
                d.backend.matmulGradInput(d.stream, dx, d.f32(dy), w, 0.5f, 1, rows, in, out);
                Buffer dw = ones(d, out * in);
                d.backend.matmulGradWeight(d.stream, dw, d.f32(dy), d.f32(x), 0.5f, 1, rows, in,
                        out);
                check(d, p -> Formulas.matmul(p.get(0), p.get(1), 0.5, rows, in, out), y, dy,
                        List.of(x, widened(d, w, out * in)), List.of(dx, dw));
            });
        }
    }

    static Stream<Arguments> weightsOnBackends() {
        return Stream.of(DType.F32, DType.BF16, DType.F16, DType.Q8, DType.Q4)
                .flatMap(type -> Stream.of(On.values()).map(on -> Arguments.of(type, on)));
    }

    @ParameterizedTest
    @EnumSource
    void addBias(On on) {
        with(on, d -> {
            float[] x = normal(1, 4 * 19);
            float[] bias = normal(2, 19);
            float[] dy = normal(3, 4 * 19);
            Buffer y = d.f32(x);
            d.backend.addBias(d.stream, y, d.f32(bias), 4, 19);
            Buffer dBias = ones(d, 19);
            d.backend.addBiasBackward(d.stream, dBias, d.f32(dy), 4, 19);
            check(d, p -> Formulas.addBias(widen(x), p.getFirst()), y, dy, List.of(bias),
                    List.of(dBias));
        });
    }

    @ParameterizedTest
    @EnumSource
    void embed(On on) {
        with(on, d -> {
            float[] table = normal(1, 6 * 9);
            int[] ids = {4, 0, 4, 5, 4};
            float[] dy = normal(2, ids.length * 9);
            Buffer y = zeros(d, ids.length * 9);
            d.backend.embed(d.stream, y, d.f32(table), d.i32(ids), 3, ids.length, 9);
            Buffer dTable = ones(d, 6 * 9);
            d.backend.embedBackward(d.stream, dTable, d.f32(dy), d.i32(ids), 3, ids.length, 9);
            check(d, p -> Formulas.embed(p.getFirst(), ids, 3, 9), y, dy, List.of(table),
                    List.of(dTable));
        });
    }

    @ParameterizedTest
    @EnumSource
    void gatheringRowsIsTurnedBackByScatteringThem(On on) {
        with(on, d -> {
            float[] x = normal(1, 6 * 9);
            int[] index = {2, 2, 0, 5};
            float[] dy = normal(2, index.length * 9);
            Buffer y = zeros(d, index.length * 9);
            d.backend.gatherRows(d.stream, y, d.f32(x), d.i32(index), index.length, 9);
            Buffer dx = ones(d, 6 * 9);
            d.backend.scatterAddRows(d.stream, dx, d.f32(dy), d.i32(index), null, index.length, 9);
            check(d, p -> Formulas.embed(p.getFirst(), index, 1, 9), y, dy, List.of(x),
                    List.of(dx));
        });
    }

    @ParameterizedTest
    @EnumSource
    void rmsNorm(On on) {
        for (int dim : new int[] {1, 6, 37}) {
            for (float offset : new float[] {0, 1}) {
                with(on, d -> {
                    float[] x = normal(1, 3 * dim);
                    float[] weight = normal(2, dim);
                    float[] dy = normal(3, 3 * dim);
                    Buffer y = zeros(d, 3 * dim);
                    Buffer w = d.f32(weight);
                    d.backend.rmsNorm(d.stream, y, d.f32(x), w, offset, 1e-2f, 3, dim);
                    Buffer dx = ones(d, 3 * dim);
                    Buffer dWeight = ones(d, dim);
                    d.backend.rmsNormBackward(d.stream, dx, dWeight, d.f32(dy), d.f32(x), w,
                            offset, 1e-2f, 3, dim);
                    check(d, p -> Formulas.rmsNorm(p.get(0), p.get(1), offset, 1e-2f), y, dy,
                            List.of(x, weight), List.of(dx, dWeight));
                    Buffer frozen = ones(d, 3 * dim);
                    d.backend.rmsNormBackward(d.stream, frozen, null, d.f32(dy), d.f32(x), w,
                            offset, 1e-2f, 3, dim);
                    assertThat(d.read(frozen)).isEqualTo(d.read(dx));
                });
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void gatedActivation(On on) {
        for (Activation activation : Activation.values()) {
            with(on, d -> {
                float[] gate = normal(1, 45);
                float[] up = normal(2, 45);
                float[] dy = normal(3, 45);
                Buffer y = zeros(d, 45);
                d.backend.gatedActivation(d.stream, y, d.f32(gate), d.f32(up), activation, 45);
                Buffer dGate = zeros(d, 45);
                Buffer dUp = zeros(d, 45);
                d.backend.gatedActivationBackward(d.stream, dGate, dUp, d.f32(dy), d.f32(gate),
                        d.f32(up), activation, 45);
                check(d, p -> Formulas.gated(p.get(0), p.get(1), activation), y, dy,
                        List.of(gate, up), List.of(plusOne(d, dGate), plusOne(d, dUp)));
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void ropeTurnedBackIsItsGradient(On on) {
        float[] frequencies = {1, 0.3f, 0.1f, 0.03f, 0.01f, 0.003f};
        int[] positions = {3, 0, 11};
        with(on, d -> {
            float[] x = normal(1, 3 * 2 * 12);
            float[] dy = normal(2, 3 * 2 * 12);
            check(d, p -> Formulas.rope(p.getFirst(), positions, frequencies, 1.5, 2),
                    rope(d, x, positions, frequencies, false), dy, List.of(x),
                    List.of(plusOne(d, rope(d, dy, positions, frequencies, true))));
        });
    }

    private static Buffer rope(
            Device d, float[] values, int[] positions, float[] frequencies, boolean inverse) {
        Buffer x = d.f32(values);
        d.backend.rope(d.stream, x, d.i32(positions), d.f32(frequencies), 1.5f, inverse, 3, 2, 12);
        return x;
    }

    @ParameterizedTest
    @EnumSource
    void softCap(On on) {
        with(on, d -> {
            float[] x = normal(1, 37);
            float[] dy = normal(2, 37);
            Buffer y = d.f32(x);
            d.backend.softCap(d.stream, y, 2, 37);
            Buffer dx = d.f32(dy);
            d.backend.softCapBackward(d.stream, dx, y, 2, 37);
            check(d, p -> Formulas.softCap(p.getFirst(), 2), y, dy, List.of(x),
                    List.of(plusOne(d, dx)));
        });
    }

    @ParameterizedTest
    @EnumSource
    void logProb(On on) {
        with(on, d -> {
            float[] logits = normal(1, 3 * 41);
            float[] dy = normal(2, 3);
            int[] targets = {40, 0, 17};
            Buffer y = zeros(d, 3);
            d.backend.logProb(d.stream, y, d.f32(logits), d.i32(targets), 3, 41);
            Buffer dLogits = ones(d, 3 * 41);
            d.backend.logProbBackward(d.stream, dLogits, d.f32(logits), d.i32(targets), d.f32(dy),
                    3, 41);
            check(d, p -> Formulas.logProb(p.getFirst(), targets, 41), y, dy, List.of(logits),
                    List.of(dLogits));
        });
    }

    @ParameterizedTest
    @EnumSource
    void klDivergence(On on) {
        with(on, d -> {
            float[] logits = normal(1, 3 * 41);
            float[] dy = normal(2, 3);
            float[] reference = normal(3, 3 * 41);
            Buffer y = zeros(d, 3);
            d.backend.klDivergence(d.stream, y, d.f32(logits), d.f32(reference), 3, 41);
            Buffer dLogits = ones(d, 3 * 41);
            d.backend.klDivergenceBackward(d.stream, dLogits, d.f32(logits), d.f32(reference),
                    d.f32(dy), 3, 41);
            check(d, p -> Formulas.klDivergence(p.getFirst(), widen(reference), 41), y, dy,
                    List.of(logits), List.of(dLogits));
        });
    }

    @ParameterizedTest
    @EnumSource
    void attendPacked(On on) {
        for (AttentionShape shape : new AttentionShape[] {
            new AttentionShape(4, 2, 3, 0.5f, 0, 0),
            new AttentionShape(4, 2, 3, 0.5f, 3, 0),
            new AttentionShape(2, 1, 18, 0.3f, 0, 2),
            new AttentionShape(3, 3, 8, 0.5f, 3, 2)}) {
            with(on, d -> attendPacked(d, shape));
        }
    }

    /** A prompt of 3, continuations of 2 and of 1, then a text of 7. */
    private static void attendPacked(Device d, AttentionShape shape) {
        int[] starts = {0, 0, 0, 3, 3, 5, 6, 6, 6, 6, 6, 6, 6};
        int rows = starts.length;
        int[] spans = IntStream.range(0, rows)
                .flatMap(row -> IntStream.of(0, row >= 3 && row < 6 ? 3 : 0, starts[row]))
                .toArray();
        int[] positions = IntStream.range(0, rows)
                .map(row -> row - starts[row] + spans[3 * row + 1])
                .toArray();
        float[] q = normal(1, rows * shape.queryDim());
        float[] k = normal(2, rows * shape.kvDim());
        float[] v = normal(3, rows * shape.kvDim());
        float[] dy = normal(4, rows * shape.queryDim());
        Buffer lse = zeros(d, rows * shape.heads());
        Buffer y = zeros(d, q.length);
        Buffer seen = d.i32(spans);
        Buffer at = d.i32(positions);
        d.backend.attendPacked(d.stream, y, lse, d.f32(q), d.f32(k), d.f32(v), seen, at, shape,
                rows);
        List<Buffer> gradients = List.of(
                ones(d, q.length), ones(d, k.length), ones(d, v.length));
        d.backend.attendPackedBackward(d.stream, gradients.get(0), gradients.get(1),
                gradients.get(2), d.f32(dy), y, lse, d.f32(q), d.f32(k), d.f32(v), seen, at,
                shape, rows);
        check(d, p -> Formulas.attention(p.get(0), p.get(1), p.get(2), spans, positions, shape), y,
                dy, List.of(q, k, v), gradients);
    }

    private static void with(On on, Consumer<Device> work) {
        try (Device device = on.open()) {
            work.accept(device);
        }
    }

    private static Buffer zeros(Device d, int n) {
        return d.f32(new float[n]);
    }

    private static Buffer ones(Device d, int n) {
        return plusOne(d, zeros(d, n));
    }

    /** What does not add is made to look as if it did. */
    private static Buffer plusOne(Device d, Buffer x) {
        float[] values = d.read(x);
        for (int i = 0; i < values.length; i++) {
            values[i] += 1;
        }
        return d.f32(values);
    }

    private static float[] widened(Device d, Buffer weights, int n) {
        Buffer wide = zeros(d, n);
        d.backend.embed(d.stream, wide, weights, d.i32(0), 1, 1, n);
        return d.read(wide);
    }

    private static double[] widen(float[] x) {
        return IntStream.range(0, x.length).mapToDouble(i -> x[i]).toArray();
    }

    /**
     * Compares a kernel with its formula.
     *
     * @param inputs that the formula depends on
     * @param gradients of the inputs, added to ones
     */
    private static void check(
            Device d, Function<List<double[]>, double[]> formula, Buffer out, float[] weights,
            List<float[]> inputs, List<Buffer> gradients) {
        List<double[]> at = new ArrayList<>(inputs.stream().map(GradientTest::widen).toList());
        close("forward", d.read(out), formula.apply(at));
        for (int input = 0; input < at.size(); input++) {
            double[] values = at.get(input);
            double[] slopes = new double[values.length];
            for (int i = 0; i < values.length; i++) {
                double kept = values[i];
                values[i] = kept + STEP;
                double above = loss(formula.apply(at), weights);
                values[i] = kept - STEP;
                double below = loss(formula.apply(at), weights);
                values[i] = kept;
                slopes[i] = 1 + (above - below) / (2 * STEP);
            }
            close("gradient of input " + input, d.read(gradients.get(input)), slopes);
        }
    }

    private static double loss(double[] out, float[] weights) {
        return IntStream.range(0, out.length).mapToDouble(i -> out[i] * weights[i]).sum();
    }

    private static void close(String what, float[] actual, double[] expected) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        assertThat(actual).as(what).hasSize(expected.length);
        for (int i = 0; i < actual.length; i++) {
            assertThat(Math.abs(actual[i] - expected[i])).as("%s, element %d", what, i)
                    .isLessThan(ALLOWED * (1 + largest));
        }
    }
}
