package dev.flywheel.engine.model;

import java.util.List;

/**
 * A mixture of experts in place of the feed-forward part.
 *
 * @param count experts in a layer
 * @param perToken experts that each token is sent to
 * @param intermediateSize inner size of one expert
 * @param normalize whether the weights of a token's experts are scaled to sum to one
 * @param denseLayers layers with a plain feed-forward part, ascending
 */
public record Experts(
        int count,
        int perToken,
        int intermediateSize,
        boolean normalize,
        List<Integer> denseLayers) {
    public Experts {
        denseLayers = denseLayers.stream().sorted().distinct().toList();
    }
}
