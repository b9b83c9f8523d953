package dev.flywheel.app.audit;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Acknowledged events without an end, as job, topic and store say, each of what it has.
 *
 * @param inTopic events beyond the job's position in the feedback topic
 * @param onTheWire events between two of the job's stages
 * @param held events in the job's state, buffers and rounds in flight
 * @param notHeld events in open manifests beyond those that the job has: its next start finishes them
 * @param endedMeanwhile events among these that ended while they were counted; counted where they ended
 */
public record PendingTerms(
        long inTopic,
        long onTheWire,
        long held,
        long notHeld,
        long endedMeanwhile) {
    /** Returns how many they are in all. */
    @JsonProperty
    public long total() {
        return inTopic + onTheWire + held + notHeld - endedMeanwhile;
    }
}
