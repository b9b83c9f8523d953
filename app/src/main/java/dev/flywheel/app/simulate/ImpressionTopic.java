package dev.flywheel.app.simulate;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.Impression;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** The impressions that nodes have written, read as anybody can. For one thread; the caller closes it. */
final class ImpressionTopic implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(20);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Map<String, Impression> read = new HashMap<>();

    ImpressionTopic(String brokers, String topic) {
        this.consumer = new KafkaConsumer<>(Outcomes.properties(brokers));
        List<TopicPartition> partitions = consumer.partitionsFor(topic)
                .stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /** Waits for an answer's impression. */
    Impression find(String id) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            Impression found = read.get(id);
            if (found != null) {
                return found;
            }
            consumer.poll(POLL).forEach(this::take);
        }
        throw new IllegalStateException("impression %s is not in its topic after %d s"
                .formatted(id, PATIENCE.toSeconds()));
    }

    /** A heartbeat has no key. */
    private void take(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null) {
            return;
        }
        try {
            Impression impression = Impression.parseFrom(record.value());
            read.put(impression.getImpressionId(), impression);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("record %d of %s is no impression"
                    .formatted(record.offset(), record.topic()), e);
        }
    }

    @Override
    public void close() {
        consumer.close();
    }
}
