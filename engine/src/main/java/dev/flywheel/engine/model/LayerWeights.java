package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Buffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One layer on the device.
 *
 * @param attentionNorm [hidden], applied before attention
 * @param feedForwardNorm [hidden], applied before the feed-forward part
 * @param heads norms over heads, null where the family has none
 * @param around norms of what the parts give, null where the family has none
 * @param linears in the order of {@link Linear#of}
 * @param experts null where the feed-forward part is plain
 */
public record LayerWeights(
        Buffer attentionNorm,
        Buffer feedForwardNorm,
        @Nullable HeadNorms heads,
        @Nullable NormsAround around,
        List<LinearWeights> linears,
        @Nullable ExpertWeights experts) {
    public LayerWeights {
        linears = List.copyOf(linears);
    }

    /** Norms over the heads of queries and keys, [headDim] each. */
    public record HeadNorms(Buffer query, Buffer key) {}

    /** Norms of what attention and the feed-forward part give, [hidden] each. */
    public record NormsAround(Buffer attention, Buffer feedForward) {}

    public LinearWeights linear(Linear linear) {
        return linears.get(linear.ordinal());
    }
}
