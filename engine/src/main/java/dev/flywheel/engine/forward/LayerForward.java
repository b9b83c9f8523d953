package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.LayerWeights;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.LinearWeights;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import org.jspecify.annotations.Nullable;

/**
 * One layer, forward: pre-norm attention with rotary positions, then a gated feed-forward part, both
 * added to the residual stream.
 *
 * <p>Holds no state of a pass; thread-safe over distinct streams and buffers.
 */
public final class LayerForward {
    private final Backend backend;
    private final ModelSpec spec;
    private final ModelWeights weights;
    private final Buffer ropeFrequencies;

    public LayerForward(
            Backend backend, ModelSpec spec, ModelWeights weights, Buffer ropeFrequencies) {
        this.backend = backend;
        this.spec = spec;
        this.weights = weights;
        this.ropeFrequencies = ropeFrequencies;
    }

    /** How the rows of a pass see each other. */
    @FunctionalInterface
    public interface Attention {
        /** Reads query, key and value of the layer, writes {@code attended}. */
        void attend(Stream s, int layer, LayerBuffers buffers, int rows);
    }

    /** What adapters add to a module's output. */
    @FunctionalInterface
    public interface Adapters {
        /** No adapter anywhere. */
        Adapters NONE = (s, layer, linear, y, x, rows) -> {};

        /** y += scale * B(A x). */
        void apply(Stream s, int layer, Linear linear, Buffer y, Buffer x, int rows);
    }

    /**
     * Runs layer {@code layer} over {@code rows} rows.
     *
     * @param positions [rows] I32
     */
    public void run(
            Stream s, int layer, LayerBuffers b, Buffer positions, Attention attention,
            Adapters adapters, int rows) {
        attentionPart(s, layer, b, positions, attention, adapters, rows);
        feedForwardPart(s, layer, b, adapters, rows);
    }

    private void attentionPart(
            Stream s, int layer, LayerBuffers b, Buffer positions, Attention attention,
            Adapters adapters, int rows) {
        LayerWeights w = weights.layers().get(layer);
        norm(s, b.attentionNormed(), b.input(), w.attentionNorm(), rows);
        linear(s, layer, Linear.QUERY, b.query(), b.attentionNormed(), 0, adapters, rows);
        linear(s, layer, Linear.KEY, b.key(), b.attentionNormed(), 0, adapters, rows);
        linear(s, layer, Linear.VALUE, b.value(), b.attentionNormed(), 0, adapters, rows);
        rotate(s, b.query(), positions, spec.heads(), rows);
        rotate(s, b.key(), positions, spec.kvHeads(), rows);
        attention.attend(s, layer, b, rows);
        copyResidual(s, b.middle(), b.input(), rows);
        linear(s, layer, Linear.OUTPUT, b.middle(), b.attended(), 1, adapters, rows);
    }

    private void feedForwardPart(
            Stream s, int layer, LayerBuffers b, Adapters adapters, int rows) {
        LayerWeights w = weights.layers().get(layer);
        norm(s, b.feedForwardNormed(), b.middle(), w.feedForwardNorm(), rows);
        linear(s, layer, Linear.GATE, b.gate(), b.feedForwardNormed(), 0, adapters, rows);
        linear(s, layer, Linear.UP, b.up(), b.feedForwardNormed(), 0, adapters, rows);
        backend.gatedActivation(
                s, b.activated(), b.gate(), b.up(), spec.activation(),
                (long) rows * spec.intermediateSize());
        copyResidual(s, b.output(), b.middle(), rows);
        linear(s, layer, Linear.DOWN, b.output(), b.activated(), 1, adapters, rows);
    }

    /** y = W x + bias + adapters + beta * y. */
    private void linear(
            Stream s, int layer, Linear linear, Buffer y, Buffer x, float beta, Adapters adapters,
            int rows) {
        LinearWeights w = weights.layers().get(layer).linear(linear);
        backend.matmul(s, y, x, w.weight(), 1, beta, rows, w.in(), w.out());
        @Nullable Buffer bias = w.bias();
        if (bias != null) {
            backend.addBias(s, y, bias, rows, w.out());
        }
        adapters.apply(s, layer, linear, y, x, rows);
    }

    /** out = RMS norm of x. */
    public void norm(Stream s, Buffer out, Buffer x, Buffer weight, int rows) {
        backend.rmsNorm(s, out, x, weight, 0, spec.normEpsilon(), rows, spec.hiddenSize());
    }

    private void rotate(Stream s, Buffer x, Buffer positions, int heads, int rows) {
        backend.rope(s, x, positions, ropeFrequencies, 1, false, rows, heads, spec.headDim());
    }

    private void copyResidual(Stream s, Buffer to, Buffer from, int rows) {
        if (!to.equals(from)) {
            backend.copy(s, to, from, (long) rows * spec.hiddenSize());
        }
    }
}
