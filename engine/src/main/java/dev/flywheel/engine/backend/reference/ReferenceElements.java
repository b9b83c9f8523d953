package dev.flywheel.engine.backend.reference;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.Backend;

/** Calls that treat each element alone. */
final class ReferenceElements {
    private static final double GELU_SCALE = Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBE = 0.044715;

    private ReferenceElements() {}

    static void gatedActivation(ReferenceBuffer out, ReferenceBuffer gate, ReferenceBuffer up,
            Activation activation, long n) {
        for (long i = 0; i < n; i++) {
            out.set(i, value(activation, gate.get(i)) * up.get(i));
        }
    }

    static void gatedActivationBackward(ReferenceBuffer dGate, ReferenceBuffer dUp,
            ReferenceBuffer dOut, ReferenceBuffer gate, ReferenceBuffer up, Activation activation,
            long n) {
        for (long i = 0; i < n; i++) {
            double dy = dOut.get(i);
            double x = gate.get(i);
            double factor = up.get(i);
            dGate.set(i, dy * factor * slope(activation, x));
            dUp.set(i, dy * value(activation, x));
        }
    }

    static void softCap(ReferenceBuffer x, float cap, long n) {
        for (long i = 0; i < n; i++) {
            x.set(i, cap * Math.tanh(x.get(i) / (double) cap));
        }
    }

    static void softCapBackward(ReferenceBuffer dx, ReferenceBuffer y, float cap, long n) {
        for (long i = 0; i < n; i++) {
            double t = y.get(i) / (double) cap;
            dx.set(i, dx.get(i) * (1 - t * t));
        }
    }

    static double sumOfSquares(ReferenceBuffer x, long n) {
        double sum = 0;
        for (long i = 0; i < n; i++) {
            sum += (double) x.get(i) * x.get(i);
        }
        return sum;
    }

    static void adamW(ReferenceBuffer theta, ReferenceBuffer m, ReferenceBuffer v,
            ReferenceBuffer gradient, float gradScale, Backend.AdamW settings, int step, long n) {
        double b1 = settings.beta1();
        double b2 = settings.beta2();
        double lr = settings.learningRate();
        for (long i = 0; i < n; i++) {
            double g = (double) gradScale * gradient.get(i);
            double first = b1 * m.get(i) + (1 - b1) * g;
            double second = b2 * v.get(i) + (1 - b2) * g * g;
            double decayed = theta.get(i) * (1 - lr * settings.weightDecay());
            double mean = first / (1 - Math.pow(b1, step));
            double root = Math.sqrt(second / (1 - Math.pow(b2, step)));
            m.set(i, first);
            v.set(i, second);
            theta.set(i, decayed - lr * mean / (root + settings.epsilon()));
        }
    }

    private static double value(Activation activation, double x) {
        return switch (activation) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(GELU_SCALE * (x + GELU_CUBE * x * x * x)));
        };
    }

    private static double slope(Activation activation, double x) {
        return switch (activation) {
            case SILU -> {
                double sigmoid = 1 / (1 + Math.exp(-x));
                yield sigmoid * (1 + x * (1 - sigmoid));
            }
            case GELU_TANH -> {
                double t = Math.tanh(GELU_SCALE * (x + GELU_CUBE * x * x * x));
                double inner = GELU_SCALE * (1 + 3 * GELU_CUBE * x * x);
                yield 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner;
            }
        };
    }
}
