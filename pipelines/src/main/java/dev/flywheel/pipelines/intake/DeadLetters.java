package dev.flywheel.pipelines.intake;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.pipelines.message.MessageType;
import java.io.Serializable;
import java.time.Instant;
import org.apache.flink.util.OutputTag;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Writes out refusals. Whatever was refused, a letter has a bounded size: a sink that could not write one would hold up the
 * whole job, again and again.
 *
 * @param stage who refuses
 * @param feedbackTopic where the refused events came from
 * @param originalBytesMax how many of the refused record's bytes are kept
 */
public record DeadLetters(String stage, String feedbackTopic, int originalBytesMax)
        implements
            Serializable {
    private static final int DETAIL_CHARS_MAX = 1_024;
    private static final int BYTES_BESIDES_ORIGINAL_MAX = 32 << 10;

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
                        .setRefusedAtMillis(at.toEpochMilli())
                        .putAllHeaders(
                                EventRecords.kept(taken.getEvent(), taken.getContentType())),
                taken.getOriginal(), feedbackTopic, taken.getPartition(), taken.getOffset());
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
                        .setRefusedAtMillis(at.toEpochMilli()),
                ByteString.EMPTY, feedbackTopic, -1, -1);
    }

    /** Of a record that is no event. */
    DeadLetter ofRecord(ConsumerRecord<byte[], byte[]> record, FeedbackKey claimed, String detail) {
        byte[] original = record.value() == null ? new byte[0] : record.value();
        return letter(
                RefusedFeedback.newBuilder()
                        .setKey(claimed)
                        .setReason(RefusalReason.REFUSAL_REASON_MALFORMED)
                        .setDetail(detail)
                        .setRefusedAtMillis(record.timestamp())
                        .putAllHeaders(EventRecords.kept(record)),
                UnsafeByteOperations.unsafeWrap(original), record.topic(), record.partition(),
                record.offset());
    }

    /** Largest record that a letter can make, bytes; what it goes to must take that much. */
    public static int recordBytesMax(int originalBytesMax) {
        return originalBytesMax + BYTES_BESIDES_ORIGINAL_MAX;
    }

    private DeadLetter letter(
            RefusedFeedback.Builder refused, ByteString original, String topic, int partition,
            long offset) {
        String detail = refused.getDetail();
        if (detail.length() > DETAIL_CHARS_MAX) {
            refused.setDetail(detail.substring(0, DETAIL_CHARS_MAX) + "...");
        }
        if (!original.isEmpty()) {
            // Copied where it is cut, so that a short letter does not hold on to a long record.
            int kept = Math.min(original.size(), originalBytesMax);
            refused.setOriginal(ByteString.copyFrom(original.substring(0, kept).toByteArray()))
                    .setOriginalBytes(original.size())
                    .setOriginalDigest(Digest.of(original.toByteArray()).hex());
        }
        return DeadLetter.newBuilder()
                .setRefused(refused)
                .setStage(stage)
                .setTopic(topic)
                .setPartition(partition)
                .setOffset(offset)
                .build();
    }
}
