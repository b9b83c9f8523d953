package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.FeedbackOrigin;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Where the records stood that examples were made of. It is told with the claim, not in the example: that follows from the answer and
 * the event alone, whichever record of the event came first.
 */
final class ClaimOrigins {
    private ClaimOrigins() {}

    /** One for each event whose record was read by this job, or the one before it. */
    static List<FeedbackOrigin> of(Collection<LabelledExample> examples) {
        return examples.stream()
                .filter(LabelledExample::hasFeedback)
                .map(example -> of(example.getFeedback()))
                .toList();
    }

    private static FeedbackOrigin of(TakenFeedback taken) {
        return FeedbackOrigin.newBuilder()
                .setFeedback(FeedbackIds.keyOf(taken.getEvent()))
                .setPartition(taken.getPartition())
                .setOffset(taken.getOffset())
                .build();
    }

    /** How much an example adds to a claim. */
    static int claimedBytes(LabelledExample example) {
        return example.getExample().getSerializedSize()
                + (example.hasFeedback() ? of(example.getFeedback()).getSerializedSize() : 0);
    }

    /** The first of these that fit into a claim of so many bytes; one does in any case. */
    static List<LabelledExample> withinBytes(List<LabelledExample> picked, int max) {
        List<LabelledExample> fitting = new ArrayList<>();
        int bytes = 0;
        for (LabelledExample example : picked) {
            bytes += claimedBytes(example);
            if (bytes > max && !fitting.isEmpty()) {
                break;
            }
            fitting.add(example);
        }
        return fitting;
    }
}
