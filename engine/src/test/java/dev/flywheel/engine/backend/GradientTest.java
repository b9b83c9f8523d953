package dev.flywheel.engine.backend;

import static dev.flywheel.engine.backend.Device.normal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.engine.backend.reference.ReferenceBackend;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The reference's backward kernels against central differences of its forward kernels.
 *
 * <p>The loss is a fixed weighting of the outputs, summed in double; so a gradient of the loss with
 * respect to an input is what the backward kernel gives for those weights.
 */
class GradientTest {
    private static final float STEP = 1.0f / 128;

    private final Device device = new Device(new ReferenceBackend());
    private final Backend backend = device.backend;
    private final Stream stream = device.stream;

    @Test
    void matmul() {
        float[] x = normal(1, 3 * 4);
        float[] w = normal(2, 5 * 4);
        float[] dy = normal(3, 3 * 5);
        Function<List<float[]>, Buffer> forward = in -> {
            Buffer y = zeros(15);
            backend.matmul(stream, y, device.f32(in.get(0)), device.f32(in.get(1)), 0.5f, 0, 3, 4,
                    5);
            return y;
        };
        Buffer dx = zeros(12);
        Buffer dw = zeros(20);
        backend.matmulGradInput(stream, dx, device.f32(dy), device.f32(w), 0.5f, 1, 3, 4, 5);
        backend.matmulGradWeight(stream, dw, device.f32(dy), device.f32(x), 0.5f, 1, 3, 4, 5);
        check(forward, List.of(x, w), dy, List.of(dx, dw));
    }

    @Test
    void rmsNorm() {
        float[] x = normal(1, 3 * 6);
        float[] weight = normal(2, 6);
        float[] dy = normal(3, 3 * 6);
        Function<List<float[]>, Buffer> forward = in -> {
            Buffer out = zeros(18);
            backend.rmsNorm(stream, out, device.f32(in.get(0)), device.f32(in.get(1)), 1, 1e-3f, 3,
                    6);
            return out;
        };
        Buffer dx = zeros(18);
        Buffer dWeight = zeros(6);
        backend.rmsNormBackward(stream, dx, dWeight, device.f32(dy), device.f32(x),
                device.f32(weight), 1, 1e-3f, 3, 6);
        check(forward, List.of(x, weight), dy, List.of(dx, dWeight));
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gatedActivation(Activation activation) {
        float[] gate = normal(1, 20);
        float[] up = normal(2, 20);
        float[] dOut = normal(3, 20);
        Function<List<float[]>, Buffer> forward = in -> {
            Buffer out = zeros(20);
            backend.gatedActivation(stream, out, device.f32(in.get(0)), device.f32(in.get(1)),
                    activation, 20);
            return out;
        };
        Buffer dGate = zeros(20);
        Buffer dUp = zeros(20);
        backend.gatedActivationBackward(stream, dGate, dUp, device.f32(dOut), device.f32(gate),
                device.f32(up), activation, 20);
        check(forward, List.of(gate, up), dOut, List.of(dGate, dUp));
    }

    @Test
    void ropeTurnedBackIsItsGradient() {
        float[] x = normal(1, 2 * 2 * 8);
        float[] dy = normal(2, 2 * 2 * 8);
        Function<List<float[]>, Buffer> forward = in -> rope(in.get(0), false);
        check(forward, List.of(x), dy, List.of(rope(dy, true)));
    }

    @Test
    void softCap() {
        float[] x = normal(1, 10);
        float[] dy = normal(2, 10);
        Function<List<float[]>, Buffer> forward = in -> {
            Buffer y = device.f32(in.get(0));
            backend.softCap(stream, y, 2, 10);
            return y;
        };
        Buffer dx = device.f32(dy);
        backend.softCapBackward(stream, dx, forward.apply(List.of(x)), 2, 10);
        check(forward, List.of(x), dy, List.of(dx));
    }

    @Test
    void logProb() {
        float[] logits = normal(1, 3 * 7);
        float[] coefficients = normal(2, 3);
        Buffer targets = device.i32(6, 0, 3);
        Function<List<float[]>, Buffer> forward = in -> {
            Buffer out = zeros(3);
            backend.logProb(stream, out, device.f32(in.get(0)), targets, 3, 7);
            return out;
        };
        Buffer dLogits = zeros(21);
        backend.logProbBackward(stream, dLogits, device.f32(logits), targets,
                device.f32(coefficients), 3, 7);
        check(forward, List.of(logits), coefficients, List.of(dLogits));
    }

    @Test
    void klDivergence() {
        float[] logits = normal(1, 3 * 7);
        float[] coefficients = normal(2, 3);
        Buffer reference = device.f32(normal(3, 3 * 7));
        Function<List<float[]>, Buffer> forward = in -> {
            Buffer out = zeros(3);
            backend.klDivergence(stream, out, device.f32(in.get(0)), reference, 3, 7);
            return out;
        };
        Buffer dLogits = zeros(21);
        backend.klDivergenceBackward(stream, dLogits, device.f32(logits), reference,
                device.f32(coefficients), 3, 7);
        check(forward, List.of(logits), coefficients, List.of(dLogits));
    }

    @ParameterizedTest(name = "window {0}, soft cap {1}")
    @CsvSource({"0, 0", "3, 0", "0, 2", "3, 2"})
    void attendPacked(int window, float softCap) {
        AttentionShape shape = new AttentionShape(4, 2, 3, 0.5f, window, softCap);
        int rows = 6; // a prompt of 3, two children of 2 and 1
        Buffer spans = device.i32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 3, 3, 0, 3, 5);
        Buffer positions = device.i32(0, 1, 2, 3, 4, 3);
        float[] q = normal(1, rows * shape.queryDim());
        float[] k = normal(2, rows * shape.kvDim());
        float[] v = normal(3, rows * shape.kvDim());
        float[] dOut = normal(4, rows * shape.queryDim());
        Buffer lse = zeros(rows * shape.heads());
        Function<List<float[]>, Buffer> forward = in -> {
            Buffer out = zeros(rows * shape.queryDim());
            backend.attendPacked(stream, out, lse, device.f32(in.get(0)), device.f32(in.get(1)),
                    device.f32(in.get(2)), spans, positions, shape, rows);
            return out;
        };
        Buffer out = forward.apply(List.of(q, k, v));
        Buffer dq = zeros(q.length);
        Buffer dk = zeros(k.length);
        Buffer dv = zeros(v.length);
        backend.attendPackedBackward(stream, dq, dk, dv, device.f32(dOut), out, lse,
                device.f32(q), device.f32(k), device.f32(v), spans, positions, shape, rows);
        check(forward, List.of(q, k, v), dOut, List.of(dq, dk, dv));
    }

    private Buffer rope(float[] values, boolean inverse) {
        Buffer x = device.f32(values);
        backend.rope(stream, x, device.i32(3, 11), device.f32(1, 0.3f, 0.1f, 0.01f), 1.5f, inverse,
                2, 2, 8);
        return x;
    }

    private Buffer zeros(int n) {
        return device.f32(new float[n]);
    }

    private void check(Function<List<float[]>, Buffer> forward, List<float[]> inputs,
            float[] weights, List<Buffer> gradients) {
        for (int input = 0; input < inputs.size(); input++) {
            float[] gradient = device.read(gradients.get(input));
            float[] values = inputs.get(input);
            for (int i = 0; i < values.length; i++) {
                float kept = values[i];
                values[i] = kept + STEP;
                double above = loss(forward.apply(inputs), weights);
                values[i] = kept - STEP;
                double below = loss(forward.apply(inputs), weights);
                values[i] = kept;
                double slope = (above - below) / (2 * STEP);
                assertThat((double) gradient[i]).as("input %d, element %d", input, i)
                        .isEqualTo(slope, within(1e-3 * (1 + Math.abs(slope))));
            }
        }
    }

    private double loss(Buffer out, float[] weights) {
        double loss = 0;
        float[] values = device.read(out);
        for (int i = 0; i < values.length; i++) {
            loss += (double) values[i] * weights[i];
        }
        return loss;
    }
}
