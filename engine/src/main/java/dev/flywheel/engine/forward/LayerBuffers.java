package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.model.Family;
import dev.flywheel.engine.model.ModelSpec;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one layer computes for each row, F32.
 *
 * <p>Serving uses one set for all layers, with {@code input}, {@code middle} and {@code output} the same
 * buffer; training keeps a set per layer, whose output is the next layer's input. Where a family has
 * no norm over heads, the projected rows are the query and the key themselves; where it has no norm
 * around a layer's parts, {@code attentionGiven} and {@code feedForwardGiven} are not used.
 *
 * @param input [rows, hidden], the residual stream before the layer
 * @param attentionNormed [rows, hidden]
 * @param queryProjected [rows, queryDim], before the norm over heads
 * @param keyProjected [rows, kvDim], before the norm over heads
 * @param query [rows, queryDim], rotated
 * @param key [rows, kvDim], rotated
 * @param value [rows, kvDim]
 * @param attended [rows, queryDim]
 * @param attentionGiven [rows, hidden], what attention gives, before its norm
 * @param middle [rows, hidden], the residual stream after attention
 * @param feedForwardNormed [rows, hidden]
 * @param gates of a plain feed-forward part, null if there is none
 * @param experts null if there are none
 * @param feedForwardGiven [rows, hidden], what the feed-forward part gives, before its norm
 * @param output [rows, hidden], the residual stream after the layer
 */
public record LayerBuffers(
        Buffer input,
        Buffer attentionNormed,
        Buffer queryProjected,
        Buffer keyProjected,
        Buffer query,
        Buffer key,
        Buffer value,
        Buffer attended,
        Buffer attentionGiven,
        Buffer middle,
        Buffer feedForwardNormed,
        @Nullable GateBuffers gates,
        @Nullable ExpertBuffers experts,
        Buffer feedForwardGiven,
        Buffer output) {

    /** Allocates a set for a pass that keeps nothing: whatever is not needed at once shares memory. */
    public static LayerBuffers transientSet(Backend backend, ModelSpec spec, int rows) {
        Buffer residual = hidden(backend, spec, rows);
        Buffer normed = hidden(backend, spec, rows);
        Buffer query = query(backend, spec, rows);
        Buffer key = keyOrValue(backend, spec, rows);
        Buffer given = spec.family().normsAround() ? hidden(backend, spec, rows) : normed;
        return new LayerBuffers(
                residual,
                normed,
                query,
                key,
                query,
                key,
                keyOrValue(backend, spec, rows),
                query(backend, spec, rows),
                given,
                residual,
                normed,
                spec.hasDenseLayers()
                        ? GateBuffers.allocate(backend, rows, spec.intermediateSize(), false)
                        : null,
                spec.isSparse() ? ExpertBuffers.allocate(backend, spec, rows, false) : null,
                given,
                residual);
    }

    /** Allocates a set for a layer whose contents a backward pass can read. */
    public static LayerBuffers keptSet(
            Backend backend, ModelSpec spec, int layer, int rows, Buffer input, Buffer output) {
        Family family = spec.family();
        Buffer query = query(backend, spec, rows);
        Buffer key = keyOrValue(backend, spec, rows);
        Buffer attentionNormed = hidden(backend, spec, rows);
        Buffer feedForwardNormed = hidden(backend, spec, rows);
        boolean sparse = spec.isSparse(layer);
        return new LayerBuffers(
                input,
                attentionNormed,
                family.headNorms() ? query(backend, spec, rows) : query,
                family.headNorms() ? keyOrValue(backend, spec, rows) : key,
                query,
                key,
                keyOrValue(backend, spec, rows),
                query(backend, spec, rows),
                family.normsAround() ? hidden(backend, spec, rows) : attentionNormed,
                hidden(backend, spec, rows),
                feedForwardNormed,
                sparse ? null
                        : GateBuffers.allocate(backend, rows, spec.intermediateSize(), true),
                sparse ? ExpertBuffers.allocate(backend, spec, rows, true) : null,
                family.normsAround() ? hidden(backend, spec, rows) : feedForwardNormed,
                output);
    }

    /** Allocates a residual stream. */
    public static Buffer hidden(Backend backend, ModelSpec spec, int rows) {
        return backend.allocate(DType.F32, (long) rows * spec.hiddenSize());
    }

    private static Buffer query(Backend backend, ModelSpec spec, int rows) {
        return backend.allocate(DType.F32, (long) rows * spec.queryDim());
    }

    private static Buffer keyOrValue(Backend backend, ModelSpec spec, int rows) {
        return backend.allocate(DType.F32, (long) rows * spec.kvDim());
    }

    /** Returns the buffers of a layer whose feed-forward part is plain. */
    public GateBuffers requireGates() {
        return Objects.requireNonNull(gates, "the layer has experts alone");
    }

    /** Returns the buffers of a layer with experts. */
    public ExpertBuffers requireExperts() {
        return Objects.requireNonNull(experts, "the layer has no experts");
    }

    /** Closes everything but the residual streams that belong to others. */
    public void closeAllBut(List<Buffer> others) {
        List.of(input, attentionNormed, queryProjected, keyProjected, query, key, value, attended,
                attentionGiven, middle, feedForwardNormed, feedForwardGiven, output)
                .stream()
                .distinct()
                .filter(buffer -> !others.contains(buffer))
                .forEach(Buffer::close);
        if (gates != null) {
            gates.close();
        }
        if (experts != null) {
            experts.close();
        }
    }
}
