package dev.flywheel.feedback.kafka;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How a node writes into the event topics.
 *
 * @param brokers Kafka's bootstrap servers
 * @param topics where to write
 * @param nodeId this node, in heartbeats
 * @param heartbeatInterval how often each partition is told that time goes on
 * @param bufferBytes memory for events that Kafka has not acknowledged; beyond it events are not accepted
 * @param feedbackTimeout how long Kafka may take to acknowledge feedback before its sender is told that it was not taken
 */
public record PublisherSettings(
        String brokers,
        Topics topics,
        String nodeId,
        Duration heartbeatInterval,
        long bufferBytes,
        Duration feedbackTimeout) {

    public PublisherSettings {
        if (heartbeatInterval.isNegative() || heartbeatInterval.isZero()) {
            throw new IllegalArgumentException(
                    "heartbeat interval is " + heartbeatInterval + ", it must be above zero");
        }
    }

    /** Returns settings with a buffer of 32 MiB and 10 s for feedback. */
    public static PublisherSettings of(
            String brokers, Topics topics, String nodeId, Duration heartbeatInterval) {
        return new PublisherSettings(
                brokers, topics, nodeId, heartbeatInterval, 32L << 20, Duration.ofSeconds(10));
    }

    public PublisherSettings withBufferBytes(long other) {
        return new PublisherSettings(
                brokers, topics, nodeId, heartbeatInterval, other, feedbackTimeout);
    }

    /** Returns the producer's settings: durable, in order, and never blocking the caller. */
    Properties producer(String clientId, Duration deliveryTimeout) {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        properties.put(ProducerConfig.CLIENT_ID_CONFIG, nodeId + "-" + clientId);
        properties.put(ProducerConfig.ACKS_CONFIG, "all");
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 1);
        properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, bufferBytes);
        // The caller serves: it never waits for metadata or for room.
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 0);
        properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 5_000);
        properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                Math.toIntExact(Math.max(5_001 + 1, deliveryTimeout.toMillis())));
        properties.put(ProducerConfig.RETRY_BACKOFF_MS_CONFIG, 20);
        properties.put(ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG, 500);
        properties.put(ProducerConfig.RECONNECT_BACKOFF_MS_CONFIG, 20);
        properties.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class.getName());
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class.getName());
        return properties;
    }
}
