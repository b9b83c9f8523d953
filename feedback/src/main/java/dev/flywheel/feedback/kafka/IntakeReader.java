package dev.flywheel.feedback.kafka;

import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import dev.flywheel.adapters.identity.Digest;
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
    // Fields that nobody knows would travel unseen through checks and state.
    private static final Parser<Impression> IMPRESSIONS =
            DiscardUnknownFieldsParser.wrap(Impression.parser());
    private static final Parser<FeedbackEvent> FEEDBACK =
            DiscardUnknownFieldsParser.wrap(FeedbackEvent.parser());

    private IntakeReader() {}

    public static Intake<Impression> impression(ConsumerRecord<byte[], byte[]> record) {
        return read(record, EventType.IMPRESSION, IMPRESSIONS, UnaryOperator.identity(),
                EventSchema::problem);
    }

    /**
     * Reads a feedback event; one without an id has the fallback id afterwards.
     *
     * @param bytesMax longest value that is taken
     */
    public static Intake<FeedbackEvent> feedback(ConsumerRecord<byte[], byte[]> record,
            int bytesMax) {
        byte[] value = record.value();
        return EventSchema.tooLarge(value == null ? 0 : value.length, bytesMax)
                .<Intake<FeedbackEvent>>map(Intake.Malformed::new)
                .orElseGet(() -> read(record, EventType.FEEDBACK, FEEDBACK, FeedbackIds::identified,
                        EventSchema::problem));
    }

    /**
     * Returns the identity of a record of the feedback topic that is no valid event: what its value says if it can be read
     * and names an id, else what its headers claim; empty fields if neither says.
     */
    public static FeedbackKey claimedKey(ConsumerRecord<byte[], byte[]> record) {
        byte[] value = record.value() == null ? new byte[0] : record.value();
        try {
            FeedbackEvent event = FEEDBACK.parseFrom(value);
            boolean named = event.hasSignal() || !event.getFeedbackId().isBlank();
            return named ? bounded(FeedbackIds.keyOf(FeedbackIds.identified(event)))
                    : headersKey(record);
        } catch (InvalidProtocolBufferException e) {
            return headersKey(record);
        }
    }

    /** Returns the identity that a record's headers claim; empty fields if they claim none. */
    public static FeedbackKey headersKey(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = EventRecords.texts(record.headers());
        return bounded(FeedbackKey.newBuilder()
                .setSource(headers.getOrDefault("ce_source", ""))
                .setFeedbackId(headers.getOrDefault("ce_id", ""))
                .build());
    }

    /** An id longer than any may be is replaced by its digest: it is told apart, and takes no room. */
    private static FeedbackKey bounded(FeedbackKey key) {
        return FeedbackKey.newBuilder()
                .setSource(bounded(key.getSource()))
                .setFeedbackId(bounded(key.getFeedbackId()))
                .build();
    }

    private static String bounded(String id) {
        return id.length() <= EventSchema.ID_CHARS_MAX ? id
                : "sha256:" + Digest.of(id);
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
