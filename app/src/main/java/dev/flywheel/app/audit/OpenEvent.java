package dev.flywheel.app.audit;

/**
 * An event without an end.
 *
 * @param source empty if only its place in the topic is known
 * @param partition where its record stands in the feedback topic
 * @param claimed whether it stands in an open manifest
 */
public record OpenEvent(
        String source,
        String feedbackId,
        int partition,
        long offset,
        boolean claimed) {
    @Override
    public String toString() {
        return "%s/%s at %d:%d%s".formatted(source, feedbackId, partition, offset,
                claimed ? ", in an open manifest" : "");
    }
}
