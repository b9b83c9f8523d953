package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.model.ModelSpec;
import java.util.List;

/**
 * What one layer computes for each row, F32.
 *
 * <p>Serving uses one set for all layers, with {@code input}, {@code middle} and {@code output} the same
 * buffer; training keeps a set per layer, whose output is the next layer's input.
 *
 * @param input [rows, hidden], the residual stream before the layer
 * @param attentionNormed [rows, hidden]
 * @param query [rows, queryDim], rotated
 * @param key [rows, kvDim], rotated
 * @param value [rows, kvDim]
 * @param attended [rows, queryDim]
 * @param middle [rows, hidden], the residual stream after attention
 * @param feedForwardNormed [rows, hidden]
 * @param gate [rows, intermediate]
 * @param up [rows, intermediate]
 * @param activated [rows, intermediate]
 * @param output [rows, hidden], the residual stream after the layer
 */
public record LayerBuffers(
        Buffer input,
        Buffer attentionNormed,
        Buffer query,
        Buffer key,
        Buffer value,
        Buffer attended,
        Buffer middle,
        Buffer feedForwardNormed,
        Buffer gate,
        Buffer up,
        Buffer activated,
        Buffer output) {

    /** Allocates a set for a pass that keeps nothing: both norms and both gates share memory. */
    public static LayerBuffers transientSet(Backend backend, ModelSpec spec, int rows) {
        Buffer residual = hidden(backend, spec, rows);
        Buffer normed = hidden(backend, spec, rows);
        Buffer gate = wide(backend, spec, rows);
        return new LayerBuffers(
                residual,
                normed,
                query(backend, spec, rows),
                keyOrValue(backend, spec, rows),
                keyOrValue(backend, spec, rows),
                query(backend, spec, rows),
                residual,
                normed,
                gate,
                wide(backend, spec, rows),
                gate,
                residual);
    }

    /** Allocates a set whose contents a backward pass can read. */
    public static LayerBuffers keptSet(
            Backend backend, ModelSpec spec, int rows, Buffer input, Buffer output) {
        return new LayerBuffers(
                input,
                hidden(backend, spec, rows),
                query(backend, spec, rows),
                keyOrValue(backend, spec, rows),
                keyOrValue(backend, spec, rows),
                query(backend, spec, rows),
                hidden(backend, spec, rows),
                hidden(backend, spec, rows),
                wide(backend, spec, rows),
                wide(backend, spec, rows),
                wide(backend, spec, rows),
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

    private static Buffer wide(Backend backend, ModelSpec spec, int rows) {
        return backend.allocate(DType.F32, (long) rows * spec.intermediateSize());
    }

    /** Closes everything but the residual streams that belong to others. */
    public void closeAllBut(List<Buffer> others) {
        List.of(input, attentionNormed, query, key, value, attended, middle, feedForwardNormed,
                gate, up, activated, output)
                .stream()
                .distinct()
                .filter(buffer -> !others.contains(buffer))
                .forEach(Buffer::close);
    }
}
