package dev.flywheel.feedback.kafka;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.event.CloudEvent;
import dev.flywheel.feedback.event.EventSchema;
import dev.flywheel.feedback.event.EventType;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Reads records of the event topics. What a record is says its {@code ce_type} header; one without is taken for what its
 * topic is named after, so that a bare producer needs no headers.
 */
public final class IntakeReader {
    private IntakeReader() {}

    public static Intake<Impression> impression(ConsumerRecord<byte[], byte[]> record) {
        return read(record, EventType.IMPRESSION, Impression.parser(), UnaryOperator.identity(),
                EventSchema::problem);
    }

    /** Reads a feedback event; one without an id has the fallback id afterwards. */
    public static Intake<FeedbackEvent> feedback(ConsumerRecord<byte[], byte[]> record) {
        return read(record, EventType.FEEDBACK, FeedbackEvent.parser(), FeedbackIds::identified,
                EventSchema::problem);
    }

    /** Returns the identity that a record's headers claim, for one whose value cannot be read; empty fields if none. */
    public static FeedbackKey claimedKey(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = EventRecords.texts(record.headers());
        return FeedbackKey.newBuilder()
                .setSource(headers.getOrDefault("ce_source", ""))
                .setFeedbackId(headers.getOrDefault("ce_id", ""))
                .build();
    }

    private static <T> Intake<T> read(
            ConsumerRecord<byte[], byte[]> record,
            EventType expected,
            Parser<T> parser,
            UnaryOperator<T> complete,
            Function<T, Optional<String>> schema) {
        byte[] value = record.value();
        if (value == null || value.length == 0) {
            return new Intake.Malformed<>("record has no value");
        }
        try {
            EventType type = typeOf(record, expected);
            if (type == EventType.HEARTBEAT) {
                return new Intake.Beat<>(Heartbeat.parseFrom(value));
            }
            if (type != expected) {
                return new Intake.Malformed<>("header ce_type is \"%s\", this topic holds %s"
                        .formatted(type.text(), expected.text()));
            }
            T event = complete.apply(parser.parseFrom(value));
            return schema.apply(event)
                    .<Intake<T>>map(Intake.Malformed::new)
                    .orElseGet(() -> new Intake.Valid<>(event));
        } catch (IllegalArgumentException e) {
            return new Intake.Malformed<>(String.valueOf(e.getMessage()));
        } catch (InvalidProtocolBufferException e) {
            return new Intake.Malformed<>("value is not the protobuf message that its type names: "
                    + e.getMessage());
        }
    }

    private static EventType typeOf(ConsumerRecord<byte[], byte[]> record, EventType expected) {
        Map<String, String> headers = EventRecords.texts(record.headers());
        return headers.containsKey("ce_type") ? CloudEvent.typeOf(headers) : expected;
    }
}
