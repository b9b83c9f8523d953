package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.forward.GateBuffers;
import dev.flywheel.engine.forward.LayerBuffers;
import dev.flywheel.engine.model.ExpertWeights;
import dev.flywheel.engine.model.LayerWeights;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.LinearWeights;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.ModelWeights;
import dev.flywheel.engine.model.RopeTables;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One layer, backward: the mirror of {@link dev.flywheel.engine.forward.LayerForward}.
 *
 * <p>Weight gradients of the base are optional, so one code serves adapters and full training. Owns
 * scratch for {@code rowsMax} rows; not thread-safe.
 */
final class LayerBackward implements AutoCloseable {
    /** Gradients of gate, up and activated. */
    private static final int DENSE = 3;

    private final Backend backend;
    private final ModelSpec spec;
    private final ModelWeights weights;
    private final RopeTables ropes;
    private final Buffer dNormed;
    private final Buffer dGiven;
    private final Buffer dQuery;
    private final Buffer dKey;
    private final Buffer dQueryProjected;
    private final Buffer dKeyProjected;
    private final Buffer dValue;
    private final Buffer dAttended;
    private final List<Buffer> dense = new ArrayList<>();
    private final @Nullable ExpertBackward experts;

    LayerBackward(
            Backend backend, ModelSpec spec, ModelWeights weights, RopeTables ropes, int rowsMax) {
        this.backend = backend;
        this.spec = spec;
        this.weights = weights;
        this.ropes = ropes;
        this.dNormed = floats(rowsMax, spec.hiddenSize());
        this.dGiven = floats(rowsMax, spec.hiddenSize());
        this.dQuery = floats(rowsMax, spec.queryDim());
        this.dKey = floats(rowsMax, spec.kvDim());
        boolean headNorms = spec.family().headNorms();
        this.dQueryProjected = headNorms ? floats(rowsMax, spec.queryDim()) : dQuery;
        this.dKeyProjected = headNorms ? floats(rowsMax, spec.kvDim()) : dKey;
        this.dValue = floats(rowsMax, spec.kvDim());
        this.dAttended = floats(rowsMax, spec.queryDim());
        for (int i = 0; spec.hasDenseLayers() && i < DENSE; i++) {
            dense.add(floats(rowsMax, spec.intermediateSize()));
        }
        this.experts = spec.isSparse() ? new ExpertBackward(backend, spec, rowsMax) : null;
    }

    /**
     * What one call works on.
     *
     * @param kept what the forward pass computed
     * @param logSumExp of the forward pass's attention
     * @param adapter null if none is trained
     * @param shrunk A x of the layer's adapters, by {@link Linear}, as the forward pass left them
     * @param gradients of the layer's base weights, null if they are frozen
     * @param dResidual [rows, hidden] gradient of the layer's output; becomes that of its input
     * @param inputWanted whether anything below needs the gradient of the input
     */
    record Call(
            Stream s,
            int layer,
            int rows,
            LayerBuffers kept,
            Buffer logSumExp,
            Buffer positions,
            Buffer spans,
            @Nullable TrainableAdapter adapter,
            @Nullable AdapterScratch shrunk,
            @Nullable LayerWeights gradients,
            Buffer dResidual,
            boolean inputWanted) {

        boolean attentionWanted() {
            if (inputWanted || gradients != null) {
                return true;
            }
            for (Linear linear : Linear.ALL) {
                if (linear.isAttention() && part(linear) != null) {
                    return true;
                }
            }
            return false;
        }

        @Nullable
        AdapterPart part(Linear linear) {
            return adapter == null ? null : adapter.part(layer, linear);
        }
    }

    void run(Call c) {
        feedForwardPart(c);
        if (c.attentionWanted()) {
            attentionPart(c);
        }
    }

    private void feedForwardPart(Call c) {
        LayerWeights w = weights.layers().get(c.layer());
        @Nullable LayerWeights g = c.gradients();
        @Nullable ExpertWeights sparse = w.experts();
        if (sparse == null) {
            gates(c, w, g);
        } else {
            Objects.requireNonNull(experts)
                    .run(c.s(), sparse, c.kept().requireExperts(), c.dResidual(), dNormed,
                            c.rows());
        }
        norm(c, c.kept().middle(), w.feedForwardNorm(), g == null ? null : g.feedForwardNorm());
    }

    private void gates(Call c, LayerWeights w, @Nullable LayerWeights g) {
        GateBuffers gates = c.kept().requireGates();
        Buffer dGate = dense.get(0);
        Buffer dUp = dense.get(1);
        Buffer dActivated = dense.get(2);
        LayerWeights.@Nullable NormsAround around = w.around();
        Buffer dDown = around == null
                ? c.dResidual()
                : throughNorm(c, c.kept().feedForwardGiven(), around.feedForward(),
                        g == null ? null : requireAround(g).feedForward());
        linear(c, Linear.DOWN, dActivated, 0, dDown, gates.activated());
        backend.gatedActivationBackward(
                c.s(), dGate, dUp, dActivated, gates.gate(), gates.up(), spec.activation(),
                (long) c.rows() * spec.intermediateSize());
        linear(c, Linear.GATE, dNormed, 0, dGate, c.kept().feedForwardNormed());
        linear(c, Linear.UP, dNormed, 1, dUp, c.kept().feedForwardNormed());
    }

    private void attentionPart(Call c) {
        LayerBuffers kept = c.kept();
        LayerWeights w = weights.layers().get(c.layer());
        @Nullable LayerWeights g = c.gradients();
        LayerWeights.@Nullable NormsAround around = w.around();
        Buffer dOutput = around == null
                ? c.dResidual()
                : throughNorm(c, kept.attentionGiven(), around.attention(),
                        g == null ? null : requireAround(g).attention());
        linear(c, Linear.OUTPUT, dAttended, 0, dOutput, kept.attended());
        attention(c, w, g);
        @Nullable Buffer dInput = c.inputWanted() ? dNormed : null;
        linear(c, Linear.QUERY, dInput, 0, dQueryProjected, kept.attentionNormed());
        linear(c, Linear.KEY, dInput, 1, dKeyProjected, kept.attentionNormed());
        linear(c, Linear.VALUE, dInput, 1, dValue, kept.attentionNormed());
        if (c.inputWanted()) {
            norm(c, kept.input(), w.attentionNorm(), g == null ? null : g.attentionNorm());
        }
    }

    private void attention(Call c, LayerWeights w, @Nullable LayerWeights g) {
        LayerBuffers kept = c.kept();
        Stream s = c.s();
        int rows = c.rows();
        backend.fill(s, dQuery, 0, (long) rows * spec.queryDim());
        backend.fill(s, dKey, 0, (long) rows * spec.kvDim());
        backend.fill(s, dValue, 0, (long) rows * spec.kvDim());
        backend.attendPackedBackward(
                s, dQuery, dKey, dValue, dAttended, kept.attended(), c.logSumExp(), kept.query(),
                kept.key(), kept.value(), c.spans(), c.positions(),
                spec.attentionShape(c.layer()), rows);
        rotateBack(c, dQuery, spec.heads());
        rotateBack(c, dKey, spec.kvHeads());
        LayerWeights.@Nullable HeadNorms heads = w.heads();
        if (heads != null) {
            LayerWeights.@Nullable HeadNorms dHeads = g == null ? null : requireHeads(g);
            headNorm(c, dQueryProjected, dQuery, kept.queryProjected(), heads.query(),
                    dHeads == null ? null : dHeads.query(), spec.heads());
            headNorm(c, dKeyProjected, dKey, kept.keyProjected(), heads.key(),
                    dHeads == null ? null : dHeads.key(), spec.kvHeads());
        }
    }

    private void rotateBack(Call c, Buffer x, int heads) {
        backend.rope(
                c.s(), x, c.positions(), ropes.frequencies(c.layer()), ropes.factor(c.layer()),
                true, c.rows(), heads, spec.headDim());
    }

    private void headNorm(
            Call c, Buffer dx, Buffer dy, Buffer x, Buffer weight, @Nullable Buffer dWeight,
            int heads) {
        int norms = c.rows() * heads;
        backend.fill(c.s(), dx, 0, (long) norms * spec.headDim());
        backend.rmsNormBackward(
                c.s(), dx, dWeight, dy, x, weight, spec.family().normOffset(), spec.normEpsilon(),
                norms, spec.headDim());
    }

    /** Returns the gradient of what a part gives, whose norm joins the residual stream. */
    private Buffer throughNorm(Call c, Buffer given, Buffer weight, @Nullable Buffer dWeight) {
        backend.fill(c.s(), dGiven, 0, (long) c.rows() * spec.hiddenSize());
        backend.rmsNormBackward(
                c.s(), dGiven, dWeight, c.dResidual(), given, weight, spec.family().normOffset(),
                spec.normEpsilon(), c.rows(), spec.hiddenSize());
        return dGiven;
    }

    private void norm(Call c, Buffer x, Buffer weight, @Nullable Buffer dWeight) {
        backend.rmsNormBackward(
                c.s(), c.dResidual(), dWeight, dNormed, x, weight, spec.family().normOffset(),
                spec.normEpsilon(), c.rows(), spec.hiddenSize());
    }

    private static LayerWeights.HeadNorms requireHeads(LayerWeights gradients) {
        return Objects.requireNonNull(gradients.heads());
    }

    private static LayerWeights.NormsAround requireAround(LayerWeights gradients) {
        return Objects.requireNonNull(gradients.around());
    }

    /**
     * dx = gradient through a module, plus beta * dx; the module's own gradients are added to.
     *
     * @param dx null if nothing needs it
     */
    private void linear(Call c, Linear linear, @Nullable Buffer dx, float beta, Buffer dy,
            Buffer x) {
        LinearWeights w = weights.layers().get(c.layer()).linear(linear);
        if (dx != null) {
            backend.matmulGradInput(c.s(), dx, dy, w.weight(), 1, beta, c.rows(), w.in(), w.out());
        }
        @Nullable LayerWeights gradients = c.gradients();
        if (gradients != null) {
            LinearWeights g = gradients.linear(linear);
            backend.matmulGradWeight(c.s(), g.weight(), dy, x, 1, 1, c.rows(), w.in(), w.out());
            @Nullable Buffer dBias = g.bias();
            if (dBias != null) {
                backend.addBiasBackward(c.s(), dBias, dy, c.rows(), w.out());
            }
        }
        @Nullable AdapterPart part = c.part(linear);
        @Nullable AdapterScratch scratch = c.shrunk();
        if (part != null && scratch != null) {
            adapter(c, part, scratch, scratch.shrunk(c.layer(), linear), dx, dy, x);
        }
    }

    /** With h = A x and y += scale * B h: the gradients of A and B, and what they add to dx. */
    private void adapter(
            Call c, AdapterPart part, AdapterScratch scratch, Buffer h, @Nullable Buffer dx,
            Buffer dy, Buffer x) {
        Stream s = c.s();
        int rows = c.rows();
        Buffer dh = scratch.gradient();
        backend.matmulGradWeight(
                s, part.gradientB(), dy, h, part.scale(), 1, rows, part.rank(), part.out());
        backend.matmulGradInput(
                s, dh, dy, part.b(), part.scale(), 0, rows, part.rank(), part.out());
        backend.matmulGradWeight(s, part.gradientA(), dh, x, 1, 1, rows, part.in(), part.rank());
        if (dx != null) {
            backend.matmulGradInput(s, dx, dh, part.a(), 1, 1, rows, part.in(), part.rank());
        }
    }

    private Buffer floats(int rows, int dim) {
        return backend.allocate(DType.F32, (long) rows * dim);
    }

    @Override
    public void close() {
        List.of(dNormed, dGiven, dQuery, dKey, dQueryProjected, dKeyProjected, dValue, dAttended)
                .stream()
                .distinct()
                .forEach(Buffer::close);
        dense.forEach(Buffer::close);
        if (experts != null) {
            experts.close();
        }
    }
}
