package dev.flywheel.serving.settings;

import java.time.Duration;

/**
 * All settings of a serving node.
 *
 * @param nodeId names this node in impressions
 * @param tokenLifetime how long after an answer its feedback token is accepted
 */
public record ServingSettings(
        String nodeId,
        DeviceSettings device,
        RequestSettings requests,
        RankSettings rank,
        TransportSettings transport,
        Duration tokenLifetime) {
    public ServingSettings {
        if (nodeId.isBlank()) {
            throw new IllegalArgumentException("node_id is empty; give the node a name");
        }
        Checks.positive("token_lifetime", tokenLifetime);
    }

    public static ServingSettings defaults(String nodeId) {
        return new ServingSettings(nodeId, DeviceSettings.defaults(), RequestSettings.defaults(),
                RankSettings.defaults(), TransportSettings.defaults(), Duration.ofHours(24));
    }
}
