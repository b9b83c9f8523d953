package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Buffer;
import java.util.List;

/**
 * The experts of one layer on the device.
 *
 * @param router [experts, hidden]
 */
public record ExpertWeights(Buffer router, List<Expert> experts) {
    public ExpertWeights {
        experts = List.copyOf(experts);
    }

    /**
     * One expert.
     *
     * @param gate [intermediate, hidden]
     * @param up [intermediate, hidden]
     * @param down [hidden, intermediate]
     */
    public record Expert(Buffer gate, Buffer up, Buffer down) {}
}
