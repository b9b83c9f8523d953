package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.ExpertWeights;
import dev.flywheel.engine.model.LayerWeights;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.LinearWeights;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import dev.flywheel.engine.model.RopeTables;
import org.jspecify.annotations.Nullable;

/**
 * One layer, forward: pre-norm attention with rotary positions, then a gated feed-forward part or a
 * mixture of such, both added to the residual stream. What a family leaves out is null in its weights.
 *
 * <p>Holds no state of a pass; thread-safe over distinct streams and buffers.
 */
public final class LayerForward {
    private final Backend backend;
    private final ModelSpec spec;
    private final ModelWeights weights;
    private final RopeTables ropes;
    private final ExpertForward experts;

    public LayerForward(
            Backend backend, ModelSpec spec, ModelWeights weights, RopeTables ropes) {
        this.backend = backend;
        this.spec = spec;
        this.weights = weights;
        this.ropes = ropes;
        this.experts = new ExpertForward(backend, spec);
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
        linear(s, layer, Linear.QUERY, b.queryProjected(), b.attentionNormed(), 0, adapters, rows);
        linear(s, layer, Linear.KEY, b.keyProjected(), b.attentionNormed(), 0, adapters, rows);
        linear(s, layer, Linear.VALUE, b.value(), b.attentionNormed(), 0, adapters, rows);
        LayerWeights.@Nullable HeadNorms heads = w.heads();
        if (heads != null) {
            headNorm(s, b.query(), b.queryProjected(), heads.query(), rows * spec.heads());
            headNorm(s, b.key(), b.keyProjected(), heads.key(), rows * spec.kvHeads());
        }
        rotate(s, layer, b.query(), positions, spec.heads(), rows);
        rotate(s, layer, b.key(), positions, spec.kvHeads(), rows);
        attention.attend(s, layer, b, rows);
        LayerWeights.@Nullable NormsAround around = w.around();
        if (around == null) {
            copyResidual(s, b.middle(), b.input(), rows);
            linear(s, layer, Linear.OUTPUT, b.middle(), b.attended(), 1, adapters, rows);
        } else {
            linear(s, layer, Linear.OUTPUT, b.attentionGiven(), b.attended(), 0, adapters, rows);
            addNormed(
                    s, b.middle(), b.input(), b.attentionGiven(), around.attention(), rows);
        }
    }

    private void feedForwardPart(
            Stream s, int layer, LayerBuffers b, Adapters adapters, int rows) {
        LayerWeights w = weights.layers().get(layer);
        norm(s, b.feedForwardNormed(), b.middle(), w.feedForwardNorm(), rows);
        @Nullable ExpertWeights sparse = w.experts();
        if (sparse != null) {
            copyResidual(s, b.output(), b.middle(), rows);
            experts.run(
                    s, sparse, b.requireExperts(), b.feedForwardNormed(), b.output(), rows);
            return;
        }
        GateBuffers gates = b.requireGates();
        linear(s, layer, Linear.GATE, gates.gate(), b.feedForwardNormed(), 0, adapters, rows);
        linear(s, layer, Linear.UP, gates.up(), b.feedForwardNormed(), 0, adapters, rows);
        backend.gatedActivation(
                s, gates.activated(), gates.gate(), gates.up(), spec.activation(),
                (long) rows * spec.intermediateSize());
        LayerWeights.@Nullable NormsAround around = w.around();
        if (around == null) {
            copyResidual(s, b.output(), b.middle(), rows);
            linear(s, layer, Linear.DOWN, b.output(), gates.activated(), 1, adapters, rows);
        } else {
            linear(s, layer, Linear.DOWN, b.feedForwardGiven(), gates.activated(), 0, adapters,
                    rows);
            addNormed(
                    s, b.output(), b.middle(), b.feedForwardGiven(), around.feedForward(), rows);
        }
    }

    /** to = from + norm of {@code given}, which a pass that keeps nothing loses. */
    private void addNormed(
            Stream s, Buffer to, Buffer from, Buffer given, Buffer weight, int rows) {
        boolean inPlace = to.equals(from);
        norm(s, inPlace ? given : to, given, weight, rows);
        backend.add(s, to, inPlace ? given : from, 1, (long) rows * spec.hiddenSize());
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
        backend.rmsNorm(
                s, out, x, weight, spec.family().normOffset(), spec.normEpsilon(), rows,
                spec.hiddenSize());
    }

    private void headNorm(Stream s, Buffer out, Buffer x, Buffer weight, int heads) {
        backend.rmsNorm(
                s, out, x, weight, spec.family().normOffset(), spec.normEpsilon(), heads,
                spec.headDim());
    }

    private void rotate(
            Stream s, int layer, Buffer x, Buffer positions, int heads, int rows) {
        backend.rope(
                s, x, positions, ropes.frequencies(layer), ropes.factor(layer), false, rows, heads,
                spec.headDim());
    }

    private void copyResidual(Stream s, Buffer to, Buffer from, int rows) {
        if (!to.equals(from)) {
            backend.copy(s, to, from, (long) rows * spec.hiddenSize());
        }
    }
}
