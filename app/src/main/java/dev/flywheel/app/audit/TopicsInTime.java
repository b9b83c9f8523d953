package dev.flywheel.app.audit;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads topics from their beginning, the record with the earliest timestamp first, so that what follows from an event comes after it.
 * Holds no more than one fetch of each partition. For one thread.
 */
final class TopicsInTime implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long STALLED_NANOS = 15_000_000_000L;

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<String> topics;
    private final Map<TopicPartition, Queue<ConsumerRecord<byte[], byte[]>>> fetched =
            new HashMap<>();

    TopicsInTime(String brokers, List<String> topics) {
        this.consumer = new KafkaConsumer<>(properties(brokers));
        this.topics = topics;
    }

    private static Properties properties(String brokers) {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, 10_000);
        properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class.getName());
        properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class.getName());
        return properties;
    }

    /** Hands out what is new up to the ends that the topics have now. */
    void readToEnds(Consumer<ConsumerRecord<byte[], byte[]>> each) {
        takeUpPartitions();
        Map<TopicPartition, Long> ends = consumer.endOffsets(fetched.keySet());
        long progressed = System.nanoTime();
        while (true) {
            Set<TopicPartition> wanting = wanting(ends);
            if (wanting.isEmpty()) {
                Optional<Queue<ConsumerRecord<byte[], byte[]>>> oldest = oldest(ends);
                if (oldest.isEmpty()) {
                    return;
                }
                each.accept(oldest.get().remove());
            } else if (fetch(wanting)) {
                progressed = System.nanoTime();
            } else if (System.nanoTime() - progressed > STALLED_NANOS) {
                throw new TimeoutException("the broker hands out no records of " + wanting);
            }
        }
    }

    /** Topics may have got more of them. */
    private void takeUpPartitions() {
        Set<TopicPartition> fresh = new HashSet<>();
        for (String topic : topics) {
            consumer.partitionsFor(topic)
                    .forEach(info -> fresh.add(new TopicPartition(topic, info.partition())));
        }
        fresh.removeAll(fetched.keySet());
        if (!fresh.isEmpty()) {
            fresh.forEach(partition -> fetched.put(partition, new ArrayDeque<>()));
            consumer.assign(fetched.keySet());
            consumer.seekToBeginning(fresh);
        }
    }

    /** Partitions that may have the next record and of which none is at hand. */
    private Set<TopicPartition> wanting(Map<TopicPartition, Long> ends) {
        Set<TopicPartition> wanting = new HashSet<>();
        fetched.forEach((partition, records) -> {
            if (records.isEmpty()
                    && consumer.position(partition) < ends.getOrDefault(partition, 0L)) {
                wanting.add(partition);
            }
        });
        return wanting;
    }

    private boolean fetch(Set<TopicPartition> wanting) {
        Set<TopicPartition> others = new HashSet<>(fetched.keySet());
        others.removeAll(wanting);
        consumer.pause(others);
        consumer.resume(wanting);
        boolean any = false;
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
            any = true;
            queue(new TopicPartition(record.topic(), record.partition())).add(record);
        }
        return any;
    }

    private Queue<ConsumerRecord<byte[], byte[]>> queue(TopicPartition partition) {
        return fetched.computeIfAbsent(partition, each -> new ArrayDeque<>());
    }

    /** Where the earliest record is that stood before the ends. */
    private Optional<Queue<ConsumerRecord<byte[], byte[]>>> oldest(
            Map<TopicPartition, Long> ends) {
        return fetched.entrySet()
                .stream()
                .filter(each -> !each.getValue().isEmpty() && each.getValue().element().offset()
                        < ends.getOrDefault(each.getKey(), 0L))
                .map(Map.Entry::getValue)
                .min(Comparator.comparingLong(records -> records.element().timestamp()));
    }

    @Override
    public void close() {
        consumer.close(Duration.ofSeconds(1));
    }
}
