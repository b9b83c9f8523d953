package dev.flywheel.app.lineage;

import dev.flywheel.feedback.kafka.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Looks through event topics, as far back as they go: what they no longer hold is not found. For one thread.
 */
public final class TopicSearch implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int TIMEOUT_MILLIS = 10_000;
    private static final long STALLED_NANOS = 15_000_000_000L;

    private final String brokers;
    private final Topics topics;
    private final Progress progress;
    private final KafkaConsumer<byte[], byte[]> consumer;

    /** Is told how far a search is. */
    @FunctionalInterface
    public interface Progress {
        void searched(String topic, long records, long of);
    }

    public TopicSearch(String brokers, Topics topics, Progress progress) {
        this.brokers = brokers;
        this.topics = topics;
        this.progress = progress;
        try {
            consumer = new KafkaConsumer<>(
                    Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
                            ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS,
                            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                            ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false),
                    new ByteArrayDeserializer(), new ByteArrayDeserializer());
        } catch (KafkaException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new LineageException(
                    "--brokers is '%s': %s".formatted(brokers, cause.getMessage()), e);
        }
    }

    public Topics topics() {
        return topics;
    }

    /**
     * Hands out records until one is the last that is wanted. Begins where producers put this key, and goes on with the other
     * partitions, in which it may stand since the topic grew.
     *
     * @param key empty: any
     * @param sinceMillis records before that time are passed over, by the broker's clock
     * @param last whether no other record is wanted
     */
    public void search(String topic, String key, OptionalLong sinceMillis,
            Predicate<ConsumerRecord<byte[], byte[]>> last) {
        try {
            List<TopicPartition> partitions = partitions(topic);
            if (key.isEmpty()) {
                var unused = searchIn(partitions, sinceMillis, last);
                return;
            }
            int own = Utils.toPositive(Utils.murmur2(key.getBytes(StandardCharsets.UTF_8)))
                    % partitions.size();
            List<TopicPartition> others = new ArrayList<>(partitions);
            TopicPartition first = others.remove(own);
            if (!searchIn(List.of(first), sinceMillis, last) && !others.isEmpty()) {
                var unused = searchIn(others, sinceMillis, last);
            }
        } catch (KafkaException e) {
            throw new LineageException(
                    "the broker at %s does not answer as it should (%s); is a node running there?"
                            .formatted(brokers, e.getMessage()),
                    e);
        }
    }

    /** Returns whether the last that is wanted was found. */
    private boolean searchIn(List<TopicPartition> partitions, OptionalLong sinceMillis,
            Predicate<ConsumerRecord<byte[], byte[]>> last) {
        consumer.assign(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        seek(partitions, ends, sinceMillis);
        long all = left(ends);
        long progressed = System.nanoTime();
        while (left(ends) > 0) {
            boolean any = false;
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                any = true;
                if (last.test(record)) {
                    return true;
                }
            }
            progressed = any ? System.nanoTime() : progressed;
            if (System.nanoTime() - progressed > STALLED_NANOS) {
                throw new TimeoutException("it hands out no records");
            }
            progress.searched(partitions.getFirst().topic(), all - left(ends), all);
        }
        return false;
    }

    private void seek(List<TopicPartition> partitions, Map<TopicPartition, Long> ends,
            OptionalLong sinceMillis) {
        if (sinceMillis.isEmpty()) {
            consumer.seekToBeginning(partitions);
            return;
        }
        Map<TopicPartition, Long> times = new HashMap<>();
        partitions.forEach(each -> times.put(each, sinceMillis.getAsLong()));
        Map<TopicPartition, OffsetAndTimestamp> begins = consumer.offsetsForTimes(times);
        ends.forEach((partition, end) -> {
            OffsetAndTimestamp first = begins.get(partition);
            consumer.seek(partition, first == null ? end : first.offset());
        });
    }

    private long left(Map<TopicPartition, Long> ends) {
        return ends.entrySet()
                .stream()
                .mapToLong(end -> Math.max(0, end.getValue() - consumer.position(end.getKey())))
                .sum();
    }

    private List<TopicPartition> partitions(String topic) {
        List<TopicPartition> partitions = consumer.partitionsFor(topic)
                .stream()
                .map(info -> new TopicPartition(topic, info.partition()))
                .sorted((one, other) -> Integer.compare(one.partition(), other.partition()))
                .toList();
        if (partitions.isEmpty()) {
            throw new LineageException(
                    "the broker at %s has no topic %s; is --config that of the node?"
                            .formatted(brokers, topic));
        }
        return partitions;
    }

    @Override
    public void close() {
        consumer.close();
    }
}
