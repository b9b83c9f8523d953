package dev.flywheel.pipelines.intake;

import com.google.protobuf.ByteString;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import dev.flywheel.pipelines.message.MessageType;
import java.io.Serializable;
import java.time.Instant;
import org.apache.flink.util.OutputTag;

/**
 * Writes out refusals.
 *
 * @param stage who refuses
 * @param feedbackTopic where the refused events came from
 */
public record DeadLetters(String stage, String feedbackTopic) implements Serializable {
    /** Side output of every stage for what it refuses. */
    public static final OutputTag<DeadLetter> REFUSED =
            new OutputTag<>("refused", MessageType.ofMessage(DeadLetter.class));

    public DeadLetter of(TakenFeedback taken, RefusalReason reason, String detail, Instant at) {
        return letter(
                RefusedFeedback.newBuilder()
                        .setKey(FeedbackIds.keyOf(taken.getEvent()))
                        .setImpressionId(taken.getEvent().getImpressionId())
                        .setReason(reason)
                        .setDetail(detail)
                        .setOriginal(taken.getOriginal())
                        .setRefusedAtMillis(at.toEpochMilli())
                        .build(),
                feedbackTopic, taken.getPartition(), taken.getOffset());
    }

    /** Of an event whose record is not at hand, such as one that only its manifest remembers. */
    public DeadLetter of(FeedbackKey key, String impressionId, RefusalReason reason, String detail,
            Instant at) {
        return letter(
                RefusedFeedback.newBuilder()
                        .setKey(key)
                        .setImpressionId(impressionId)
                        .setReason(reason)
                        .setDetail(detail)
                        .setRefusedAtMillis(at.toEpochMilli())
                        .build(),
                feedbackTopic, -1, -1);
    }

    /** Of a record that is no event. */
    DeadLetter ofRecord(
            FeedbackKey claimed, String topic, int partition, long offset, byte[] original,
            String detail, Instant at) {
        return letter(
                RefusedFeedback.newBuilder()
                        .setKey(claimed)
                        .setReason(RefusalReason.REFUSAL_REASON_MALFORMED)
                        .setDetail(detail)
                        .setOriginal(ByteString.copyFrom(original))
                        .setRefusedAtMillis(at.toEpochMilli())
                        .build(),
                topic, partition, offset);
    }

    private DeadLetter letter(RefusedFeedback refused, String topic, int partition, long offset) {
        return DeadLetter.newBuilder()
                .setRefused(refused)
                .setStage(stage)
                .setTopic(topic)
                .setPartition(partition)
                .setOffset(offset)
                .build();
    }
}
