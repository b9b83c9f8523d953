package dev.flywheel.app.deadletter;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.feedback.kafka.EventRecords;
import java.time.Instant;
import java.util.Map;
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
    static Letter of(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = EventRecords.texts(record.headers());
        Position position = new Position(record.partition(), record.offset());
        try {
            return new Letter(position, RefusedFeedback.parseFrom(record.value()),
                    headers.getOrDefault("flywheel.error.stage", ""),
                    from(headers.getOrDefault("flywheel.error.partition", "-1"),
                            headers.getOrDefault("flywheel.error.offset", "-1")));
        } catch (InvalidProtocolBufferException | NullPointerException e) {
            throw new DeadLetterException(
                    "record %s of %s is no dead letter".formatted(position, record.topic()), e);
        }
    }

    private static @Nullable Position from(String partition,
            String offset) {
        return partition.startsWith("-") || offset.startsWith("-") ? null
                : Position.of(partition + ":" + offset);
    }

    /** Returns the reason as settings and metrics spell it, such as {@code unmatched}. */
    public String reason() {
        return ReasonNames.of(refused.getReason());
    }

    public Instant refusedAt() {
        return Instant.ofEpochMilli(refused.getRefusedAtMillis());
    }
}
