package dev.flywheel.app.lineage;

import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.FeedbackOrigin;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * An example of a manifest, without what its user said.
 *
 * @param feedback {@code source/feedback_id} of the events behind it; none for silence
 * @param at {@code partition:offset} of their records, as far as they are known
 * @param untrainable why it could not be trained on; empty if it could
 */
public record TrainedExample(
        String exampleId,
        String kind,
        String signal,
        String impression,
        long servedVersion,
        List<String> feedback,
        List<String> at,
        String untrainable) {
    static TrainedExample of(ExampleRecord example, Map<FeedbackKey, FeedbackOrigin> origins) {
        return new TrainedExample(example.getExampleId(),
                example.getKind().name().replace("EXAMPLE_KIND_", "").toLowerCase(Locale.ROOT),
                example.getSignal(), example.getImpressionId(), example.getServedVersion(),
                example.getFeedbackList()
                        .stream()
                        .map(key -> key.getSource() + "/" + key.getFeedbackId())
                        .toList(),
                example.getFeedbackList()
                        .stream()
                        .filter(origins::containsKey)
                        .map(origins::get)
                        .map(origin -> origin.getPartition() + ":" + origin.getOffset())
                        .toList(),
                example.getUntrainable());
    }

    @Override
    public String toString() {
        return "%s %s of answer %s by version %d: %s%s%s".formatted(kind, signal, impression,
                servedVersion, feedback.isEmpty() ? "silence" : String.join(", ", feedback),
                at.isEmpty() ? "" : " at " + String.join(", ", at),
                untrainable.isEmpty() ? "" : ", NOT TRAINED: " + untrainable);
    }
}
