package dev.flywheel.feedback.kafka;

import com.google.protobuf.Message;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.event.CloudEvent;
import dev.flywheel.feedback.event.EventType;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/** Our events as Kafka records: protobuf value, CloudEvents headers, impression id as key. */
public final class EventRecords {
    /** Header of a refused event that an operator sent again; its value is where the dead letter stands. */
    public static final String AGAIN = "flywheel.again";

    /** Header of such an event: when the broker had it first, milliseconds since 1970. What is judged anew is no newer for that. */
    public static final String FIRST_MILLIS = "flywheel.first-millis";

    private static final String CONTENT_TYPE = "content-type";
    private static final List<String> READ =
            List.of(CONTENT_TYPE, "ce_specversion", "ce_type", "ce_id", "ce_source", "ce_time");
    private static final int HEADER_CHARS_MAX = 256;

    private EventRecords() {}

    public static ProducerRecord<byte[], byte[]> of(Topics topics, Impression impression) {
        CloudEvent envelope = new CloudEvent(impression.getImpressionId(), impression.getNodeId(),
                EventType.IMPRESSION, Instant.ofEpochMilli(impression.getServedAtMillis()));
        return record(topics.impression(), null, impression.getImpressionId(), envelope,
                impression);
    }

    public static ProducerRecord<byte[], byte[]> of(Topics topics, FeedbackEvent event) {
        return record(topics.feedback(), null, event.getImpressionId(), envelope(event), event);
    }

    static ProducerRecord<byte[], byte[]> of(String topic, int partition, Heartbeat heartbeat) {
        CloudEvent envelope = new CloudEvent(Long.toString(heartbeat.getAtMillis()),
                heartbeat.getNodeId(), EventType.HEARTBEAT,
                Instant.ofEpochMilli(heartbeat.getAtMillis()));
        return record(topic, partition, null, envelope, heartbeat);
    }

    private static ProducerRecord<byte[], byte[]> record(
            String topic,
            @Nullable Integer partition,
            @Nullable String key,
            CloudEvent envelope,
            Message value) {
        return new ProducerRecord<>(topic, partition, null,
                key == null ? null : key.getBytes(StandardCharsets.UTF_8),
                value.toByteArray(), headers(envelope.headers()));
    }

    /** Returns when the broker had a record first, milliseconds since 1970; a record cannot say that this was after it came. */
    public static long firstMillis(ConsumerRecord<?, ?> record) {
        Header first = record.headers().lastHeader(FIRST_MILLIS);
        if (first == null || first.value() == null) {
            return record.timestamp();
        }
        try {
            long millis = Long.parseLong(new String(first.value(), StandardCharsets.UTF_8));
            return millis > 0 ? Math.min(millis, record.timestamp()) : record.timestamp();
        } catch (NumberFormatException e) {
            return record.timestamp();
        }
    }

    /** Returns the media type of a record's value as it names it; empty if it names none, our own, or one that is too long. */
    public static String contentType(ConsumerRecord<?, ?> record) {
        String type = texts(record.headers()).getOrDefault(CONTENT_TYPE, "");
        return type.equals(CloudEvent.PROTOBUF) || type.length() > HEADER_CHARS_MAX ? "" : type;
    }

    /** Returns the headers by which a record is read, as far as they are short, for it to be sent again when it is gone. */
    public static Map<String, String> kept(ConsumerRecord<?, ?> record) {
        Map<String, String> kept = new LinkedHashMap<>(texts(record.headers()));
        kept.keySet().retainAll(READ);
        kept.values().removeIf(text -> text.length() > HEADER_CHARS_MAX);
        kept.put(FIRST_MILLIS, Long.toString(firstMillis(record)));
        return kept;
    }

    /** Returns such headers for an event of whose record no more is known than its media type, which may be empty. */
    public static Map<String, String> kept(FeedbackEvent event, String contentType) {
        Map<String, String> kept = envelope(event).headers();
        if (!contentType.isEmpty()) {
            kept.put(CONTENT_TYPE, contentType);
        }
        kept.put(FIRST_MILLIS, Long.toString(event.getReceivedAtMillis()));
        return kept;
    }

    private static CloudEvent envelope(FeedbackEvent event) {
        return new CloudEvent(event.getFeedbackId(), event.getSource(), EventType.FEEDBACK,
                Instant.ofEpochMilli(event.getReceivedAtMillis()));
    }

    /** Returns text headers as Kafka's. */
    public static Headers headers(Map<String, String> texts) {
        RecordHeaders headers = new RecordHeaders();
        texts.forEach((name, text) -> headers.add(name, text.getBytes(StandardCharsets.UTF_8)));
        return headers;
    }

    /** Returns Kafka's headers as text; of a name that stands twice the last. */
    public static Map<String, String> texts(Headers headers) {
        Map<String, String> texts = new LinkedHashMap<>();
        for (Header header : headers) {
            byte[] value = header.value();
            texts.put(header.key(), value == null ? "" : new String(value, StandardCharsets.UTF_8));
        }
        return texts;
    }
}
