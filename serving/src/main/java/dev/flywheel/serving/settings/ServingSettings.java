package dev.flywheel.serving.settings;

import dev.flywheel.feedback.event.EventSchema;
import java.time.Duration;

/**
 * All settings of a serving node.
 *
 * @param nodeId names this node in impressions
 * @param tokenLifetime how long after an answer its feedback token is accepted
 * @param feedbackBytesMax longest feedback event that is taken
 * @param meters how it measures itself
 */
public record ServingSettings(
        String nodeId,
        DeviceSettings device,
        SwapSettings swaps,
        RequestSettings requests,
        RankSettings rank,
        TransportSettings transport,
        AccessSettings access,
        Duration tokenLifetime,
        int feedbackBytesMax,
        MeterSettings meters) {
    public ServingSettings {
        if (nodeId.isBlank()) {
            throw new IllegalArgumentException("node_id is empty; give the node a name");
        }
        Checks.positive("token_lifetime", tokenLifetime);
        Checks.atLeast("feedback_bytes_max", feedbackBytesMax, 1);
    }

    /** With the meters' defaults. */
    public ServingSettings(String nodeId, DeviceSettings device, SwapSettings swaps,
            RequestSettings requests, RankSettings rank, TransportSettings transport,
            AccessSettings access,
            Duration tokenLifetime, int feedbackBytesMax) {
        this(nodeId, device, swaps, requests, rank, transport, access, tokenLifetime,
                feedbackBytesMax,
                MeterSettings.defaults());
    }

    public static ServingSettings defaults(String nodeId) {
        return new ServingSettings(nodeId, DeviceSettings.defaults(), SwapSettings.defaults(),
                RequestSettings.defaults(),
                RankSettings.defaults(), TransportSettings.defaults(),
                AccessSettings.thisMachine(), Duration.ofHours(24),
                EventSchema.FEEDBACK_BYTES_DEFAULT);
    }
}
