package dev.flywheel.feedback.kafka;

import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.protobuf.util.JsonFormat;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.event.EventSchema;
import dev.flywheel.feedback.event.EventType;
import dev.flywheel.feedback.event.FeedbackIds;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Reads records of the event topics, in every form that is taken: CloudEvents in binary mode, as protobuf or as JSON, and in
 * structured mode as JSON; and bare protobuf. A record that does not name its type is taken for what its topic is named after,
 * so that a bare producer needs no headers. What a feedback event leaves out is taken from its envelope: id, source, and time,
 * which else is the broker's and never later than that. What an operator sends again is of the time at which the broker had it
 * first.
 *
 * @param feedbackBytesMax longest value of a feedback record that is taken
 * @param confluentFraming whether protobuf may come in Confluent's frame
 */
public record IntakeReader(int feedbackBytesMax, boolean confluentFraming) implements Serializable {
    // Fields that nobody knows would travel unseen through checks and state.
    private static final Parser<Impression> IMPRESSIONS =
            DiscardUnknownFieldsParser.wrap(Impression.parser());
    private static final Parser<FeedbackEvent> FEEDBACK =
            DiscardUnknownFieldsParser.wrap(FeedbackEvent.parser());
    private static final Parser<Heartbeat> HEARTBEATS =
            DiscardUnknownFieldsParser.wrap(Heartbeat.parser());
    private static final JsonFormat.Parser JSON = JsonFormat.parser().ignoringUnknownFields();

    public IntakeReader {
        if (feedbackBytesMax < 1) {
            throw new IllegalArgumentException(
                    "feedback bytes are " + feedbackBytesMax + ", at least 1 is needed");
        }
    }

    public Intake<Impression> impression(ConsumerRecord<byte[], byte[]> record) {
        return read(record, EventType.IMPRESSION, envelope -> {
            Impression impression = message(envelope, IMPRESSIONS, Impression.newBuilder());
            return intake(impression, EventSchema.problem(impression));
        });
    }

    public Intake<FeedbackEvent> feedback(ConsumerRecord<byte[], byte[]> record) {
        byte[] value = record.value();
        return EventSchema.tooLarge(value == null ? 0 : value.length, feedbackBytesMax)
                .<Intake<FeedbackEvent>>map(Intake.Malformed::new)
                .orElseGet(() -> read(record, EventType.FEEDBACK, envelope -> {
                    FeedbackEvent event = event(envelope, EventRecords.firstMillis(record));
                    return intake(event, EventSchema.problem(event));
                }));
    }

    /**
     * Returns the identity of a record of the feedback topic that is no valid event: what its value says if it can be read
     * and names an id, else what its envelope claims; empty fields if neither says.
     */
    public FeedbackKey claimedKey(ConsumerRecord<byte[], byte[]> record) {
        try {
            Envelope envelope = Envelope.of(record);
            if (envelope.type() == EventType.HEARTBEAT) {
                return headersKey(record);
            }
            FeedbackEvent event = event(envelope, EventRecords.firstMillis(record));
            boolean named = event.hasSignal() || !event.getFeedbackId().isBlank();
            return named ? bounded(FeedbackIds.keyOf(event)) : headersKey(record);
        } catch (RuntimeException | InvalidProtocolBufferException e) {
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

    /** Makes an event of an envelope. */
    private interface Content<T> {
        Intake<T> of(Envelope envelope) throws InvalidProtocolBufferException;
    }

    private <T> Intake<T> read(
            ConsumerRecord<byte[], byte[]> record, EventType expected, Content<T> content) {
        byte[] value = record.value();
        if (value == null || value.length == 0) {
            return new Intake.Malformed<>("record has no value");
        }
        try {
            Envelope envelope = Envelope.of(record);
            EventType type = envelope.type() == null ? expected : envelope.type();
            if (type == EventType.HEARTBEAT) {
                return beat(message(envelope, HEARTBEATS, Heartbeat.newBuilder()));
            }
            return type == expected ? content.of(envelope)
                    : new Intake.Malformed<>("ce_type is \"%s\", this topic holds %s"
                            .formatted(type.text(), expected.text()));
        } catch (IllegalArgumentException e) {
            return new Intake.Malformed<>(String.valueOf(e.getMessage()));
        } catch (InvalidProtocolBufferException e) {
            return new Intake.Malformed<>("value is not the protobuf message that its type names: "
                    + e.getMessage());
        } catch (RuntimeException e) {
            // Of whatever kind: what the reader throws at, the job would read again and again.
            return new Intake.Malformed<>("value cannot be read: " + e);
        }
    }

    private static <T> Intake<T> beat(Heartbeat heartbeat) {
        return EventSchema.problem(heartbeat)
                .<Intake<T>>map(Intake.Malformed::new)
                .orElseGet(() -> new Intake.Beat<>(heartbeat));
    }

    private static <T> Intake<T> intake(T event, Optional<String> problem) {
        return problem.<Intake<T>>map(Intake.Malformed::new)
                .orElseGet(() -> new Intake.Valid<>(event));
    }

    /** Returns the event with what it leaves out. */
    private FeedbackEvent event(Envelope envelope, long brokerMillis)
            throws InvalidProtocolBufferException {
        FeedbackEvent.Builder event =
                message(envelope, FEEDBACK, FeedbackEvent.newBuilder()).toBuilder();
        if (event.getFeedbackId().isEmpty()) {
            event.setFeedbackId(envelope.id());
        }
        if (event.getSource().isEmpty()) {
            event.setSource(envelope.source());
        }
        event.setReceivedAtMillis(
                receivedAt(event.getReceivedAtMillis(), envelope.timeMillis(), brokerMillis));
        return FeedbackIds.identified(event.build());
    }

    /** A producer whose clock is ahead would be late, or live in windows of its own. */
    private static long receivedAt(long ownMillis, long envelopeMillis, long brokerMillis) {
        long claimed = ownMillis == 0 ? envelopeMillis : ownMillis;
        return claimed == 0 ? brokerMillis : Math.min(claimed, brokerMillis);
    }

    private <T> T message(Envelope envelope, Parser<T> parser, Message.Builder empty)
            throws InvalidProtocolBufferException {
        if (!envelope.json()) {
            return parser.parseFrom(protobuf(envelope.data()));
        }
        JSON.merge(new String(envelope.data(), StandardCharsets.UTF_8), empty);
        return parser.parseFrom(empty.build().toByteString());
    }

    private byte[] protobuf(byte[] data) {
        if (!ConfluentFrame.begins(data)) {
            return data;
        }
        if (!confluentFraming) {
            throw new IllegalArgumentException(
                    "value begins with a zero byte, as Confluent's framing does; write bare protobuf or set loop.confluent_framing to true");
        }
        return ConfluentFrame.unwrapped(data);
    }
}
