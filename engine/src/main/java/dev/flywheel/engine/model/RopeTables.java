package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.staging.StagedFloats;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The rotation of each layer, on the device; layers that turn alike share a table.
 *
 * <p>Immutable and thread-safe; the caller closes it.
 */
public final class RopeTables implements AutoCloseable {
    private final List<Buffer> frequencies = new ArrayList<>();
    private final List<Float> factors = new ArrayList<>();
    private final Map<Rope, StagedFloats> tables = new HashMap<>();

    private RopeTables() {}

    /** Works out the tables of a model. */
    public static RopeTables of(Backend backend, ModelSpec spec) {
        RopeTables ropes = new RopeTables();
        for (int layer = 0; layer < spec.layers(); layer++) {
            Rope rope = spec.rope(layer);
            StagedFloats table = ropes.tables.computeIfAbsent(rope, r -> StagedFloats.of(
                    backend, r.inverseFrequencies(spec.headDim())));
            ropes.frequencies.add(table.buffer());
            ropes.factors.add((float) rope.scaling().attentionFactor());
        }
        return ropes;
    }

    /** Returns a layer's inverse frequencies, [headDim / 2] F32. */
    public Buffer frequencies(int layer) {
        return frequencies.get(layer);
    }

    /** Returns the factor on what a layer turns. */
    public float factor(int layer) {
        return factors.get(layer);
    }

    @Override
    public void close() {
        tables.values().forEach(StagedFloats::close);
    }
}
