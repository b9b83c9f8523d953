package dev.flywheel.app.deadletter;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.feedback.kafka.EventRecords;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * A letter in the dead-letter topic.
 *
 * @param stage part of the job that refused the event
 * @param from where the refused record stands in the feedback topic; null if the job did not have it at hand
 */
public record Letter(
        Position position,
        RefusedFeedback refused,
        String stage,
        @Nullable Position from) {
    /** Reads a record of the dead-letter topic; empty if it is no letter. */
    static Optional<Letter> of(ConsumerRecord<byte[], byte[]> record) {
        return refused(record.value())
                .filter(refused -> refused
                        .getReason() != RefusalReason.REFUSAL_REASON_UNSPECIFIED)
                .map(refused -> of(record, refused));
    }

    private static Letter of(ConsumerRecord<byte[], byte[]> record, RefusedFeedback refused) {
        Map<String, String> headers = EventRecords.texts(record.headers());
        return new Letter(new Position(record.partition(), record.offset()), refused,
                headers.getOrDefault("flywheel.error.stage", ""),
                Position.read("%s:%s".formatted(headers.get("flywheel.error.partition"),
                        headers.get("flywheel.error.offset")))
                        .orElse(null));
    }

    private static Optional<RefusedFeedback> refused(byte @Nullable [] value) {
        try {
            return value == null ? Optional.empty()
                    : Optional.of(RefusedFeedback.parseFrom(value));
        } catch (InvalidProtocolBufferException e) {
            return Optional.empty();
        }
    }

    /** Returns the reason as settings and metrics spell it, such as {@code unmatched}. */
    public String reason() {
        return ReasonNames.of(refused.getReason());
    }

    public Instant refusedAt() {
        return Instant.ofEpochMilli(refused.getRefusedAtMillis());
    }
}
