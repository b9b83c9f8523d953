package dev.flywheel.app.evaluation;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.feedback.kafka.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The evaluations of one environment, read from Kafka. For one thread. */
public final class EvaluationTopic implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 10_000;
    private static final Duration POLL = Duration.ofMillis(100);

    private final String brokers;
    private final String topic;
    private final KafkaConsumer<byte[], byte[]> consumer;

    public EvaluationTopic(String brokers, Topics topics) {
        this.brokers = brokers;
        this.topic = topics.evaluation();
        try {
            consumer = new KafkaConsumer<>(
                    Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
                            ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS,
                            ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false),
                    new ByteArrayDeserializer(), new ByteArrayDeserializer());
        } catch (KafkaException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new EvaluationException(
                    "--brokers is '%s': %s".formatted(brokers, cause.getMessage()), e);
        }
    }

    /** Hands out all that was told since a time and is there now, each adapter's in order. */
    public void since(Instant from, Consumer<Evaluation> receiver) {
        try {
            List<TopicPartition> partitions = partitions();
            consumer.assign(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            seek(from, ends);
            while (partitions.stream()
                    .anyMatch(each -> consumer.position(each) < ends.getOrDefault(each, 0L))) {
                poll(receiver);
            }
        } catch (KafkaException e) {
            throw unanswered(e);
        }
    }

    /** Hands out what is told from then on, for as long as that is wanted. */
    public void follow(Consumer<Evaluation> receiver, BooleanSupplier wanted) {
        try {
            while (wanted.getAsBoolean()) {
                poll(receiver);
            }
        } catch (KafkaException e) {
            throw unanswered(e);
        }
    }

    private void seek(Instant from, Map<TopicPartition, Long> ends) {
        Map<TopicPartition, OffsetAndTimestamp> begins = consumer.offsetsForTimes(ends.keySet()
                .stream()
                .collect(Collectors.toMap(each -> each, each -> from.toEpochMilli())));
        ends.forEach((partition, end) -> {
            OffsetAndTimestamp first = begins.get(partition);
            consumer.seek(partition, first == null ? end : first.offset());
        });
    }

    private void poll(Consumer<Evaluation> receiver) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
            try {
                receiver.accept(Evaluation.parseFrom(record.value()));
            } catch (InvalidProtocolBufferException e) {
                throw new EvaluationException("record %d:%d of %s is no evaluation".formatted(
                        record.partition(), record.offset(), topic), e);
            }
        }
    }

    private List<TopicPartition> partitions() {
        List<TopicPartition> partitions = consumer.partitionsFor(topic)
                .stream()
                .map(info -> new TopicPartition(topic, info.partition()))
                .toList();
        if (partitions.isEmpty()) {
            throw new EvaluationException(
                    "the broker at %s has no topic %s; is --config that of the node?"
                            .formatted(brokers, topic));
        }
        return partitions;
    }

    private EvaluationException unanswered(KafkaException e) {
        return new EvaluationException(
                "the broker at %s does not answer as it should (%s); is a node running there?"
                        .formatted(brokers, e.getMessage()),
                e);
    }

    @Override
    public void close() {
        consumer.close();
    }
}
