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
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/** Our events as Kafka records: protobuf value, CloudEvents headers, impression id as key. */
public final class EventRecords {
    /** Header of a refused event that an operator sent again; its value is where the dead letter stands. */
    public static final String AGAIN = "flywheel.again";

    private EventRecords() {}

    public static ProducerRecord<byte[], byte[]> of(Topics topics, Impression impression) {
        CloudEvent envelope = new CloudEvent(impression.getImpressionId(), impression.getNodeId(),
                EventType.IMPRESSION, Instant.ofEpochMilli(impression.getServedAtMillis()));
        return record(topics.impression(), null, impression.getImpressionId(), envelope,
                impression);
    }

    public static ProducerRecord<byte[], byte[]> of(Topics topics, FeedbackEvent event) {
        CloudEvent envelope = new CloudEvent(event.getFeedbackId(), event.getSource(),
                EventType.FEEDBACK, Instant.ofEpochMilli(event.getReceivedAtMillis()));
        return record(topics.feedback(), null, event.getImpressionId(), envelope, event);
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
