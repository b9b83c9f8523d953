package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Buffer;
import java.util.List;

/**
 * One layer on the device.
 *
 * @param attentionNorm [hidden], applied before attention
 * @param feedForwardNorm [hidden], applied before the feed-forward part
 * @param linears in the order of {@link Linear#ALL}
 */
public record LayerWeights(
        Buffer attentionNorm,
        Buffer feedForwardNorm,
        List<LinearWeights> linears) {
    public LayerWeights {
        linears = List.copyOf(linears);
    }

    public LinearWeights linear(Linear linear) {
        return linears.get(linear.ordinal());
    }
}
