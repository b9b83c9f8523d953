package dev.flywheel.app.deadletter;

import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.feedback.kafka.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The dead letters of one environment, read from Kafka.
 *
 * <p>Nothing is ever taken out of the topic: a letter stays when what it came from is sent again. For one thread.
 */
public final class DeadLetters implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 10_000;
    private static final Duration POLL = Duration.ofMillis(100);

    private final String brokers;
    private final Topics topics;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;

    public DeadLetters(String brokers, Topics topics) {
        this.brokers = brokers;
        this.topics = topics;
        try {
            consumer = new KafkaConsumer<>(
                    Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
                            ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS,
                            ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false),
                    new ByteArrayDeserializer(), new ByteArrayDeserializer());
            producer = new KafkaProducer<>(
                    Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
                            ProducerConfig.ACKS_CONFIG, "all",
                            ProducerConfig.MAX_BLOCK_MS_CONFIG, TIMEOUT_MILLIS),
                    new ByteArraySerializer(), new ByteArraySerializer());
        } catch (KafkaException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new DeadLetterException(
                    "--brokers is '%s': %s".formatted(brokers, cause.getMessage()), e);
        }
    }

    /**
     * Hands out all letters that are there now, partition by partition, oldest first.
     *
     * @return how many records of the topic are no letters and were passed over
     */
    public int each(Consumer<Letter> receiver) {
        int passedOver = 0;
        for (TopicPartition partition : asked(() -> partitions(topics.deadFeedback()))) {
            passedOver += asked(() -> {
                long end = end(partition);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                return upTo(partition, end, receiver);
            });
        }
        return passedOver;
    }

    private int upTo(TopicPartition partition, long end, Consumer<Letter> receiver) {
        int passedOver = 0;
        while (consumer.position(partition) < end) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                if (record.offset() < end) {
                    Optional<Letter> letter = Letter.of(record);
                    letter.ifPresent(receiver);
                    passedOver += letter.isPresent() ? 0 : 1;
                }
            }
        }
        return passedOver;
    }

    /** Returns one letter. */
    public Letter at(Position position) {
        return record(topics.deadFeedback(), position).flatMap(Letter::of)
                .orElseThrow(() -> new DeadLetterException(
                        "there is no dead letter %s; dlq list prints those that are there"
                                .formatted(position)));
    }

    /**
     * Sends what a letter came from to the feedback topic again, as it came: key, value and headers, and two more headers: one lets
     * attribution judge it anew, the other tells when it came first, so that it is not late now because it has no time of its own.
     *
     * @return whether the original was still there to be sent
     */
    public boolean sendAgain(Letter letter) {
        Optional<ProducerRecord<byte[], byte[]>> again = original(letter);
        again.ifPresent(record -> asked(() -> {
            set(record.headers(), EventRecords.AGAIN, letter.position().toString());
            return producer.send(record).get();
        }));
        return again.isPresent();
    }

    private static void set(Headers headers, String name, String text) {
        headers.remove(name).add(name, text.getBytes(StandardCharsets.UTF_8));
    }

    /** The record itself; once the topic has let go of it, what the letter keeps, if that is all of its bytes. */
    private Optional<ProducerRecord<byte[], byte[]>> original(Letter letter) {
        Position from = letter.from();
        Optional<ConsumerRecord<byte[], byte[]>> record =
                from == null ? Optional.empty() : record(topics.feedback(), from);
        if (record.isPresent()) {
            return record.map(this::copy);
        }
        long kept = letter.refused().getOriginal().size();
        return kept == 0 || kept < letter.refused().getOriginalBytes() ? Optional.empty()
                : Optional.of(new ProducerRecord<>(topics.feedback(), null, null,
                        letter.refused().getImpressionId().getBytes(StandardCharsets.UTF_8),
                        letter.refused().getOriginal().toByteArray(),
                        EventRecords.headers(letter.refused().getHeadersMap())));
    }

    private ProducerRecord<byte[], byte[]> copy(ConsumerRecord<byte[], byte[]> there) {
        Headers headers = new RecordHeaders(there.headers());
        set(headers, EventRecords.FIRST_MILLIS, Long.toString(EventRecords.firstMillis(there)));
        return new ProducerRecord<>(topics.feedback(), null, null, there.key(), there.value(),
                headers);
    }

    private Optional<ConsumerRecord<byte[], byte[]>> record(String topic, Position position) {
        return asked(() -> {
            TopicPartition partition = new TopicPartition(topic, position.partition());
            if (!partitions(topic).contains(partition)
                    || position.offset() >= end(partition)
                    || position.offset() < beginning(partition)) {
                return Optional.empty();
            }
            consumer.assign(List.of(partition));
            consumer.seek(partition, position.offset());
            while (consumer.position(partition) <= position.offset()) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    if (record.offset() >= position.offset()) {
                        return Optional.of(record)
                                .filter(found -> found.offset() == position.offset());
                    }
                }
            }
            return Optional.empty();
        });
    }

    private long end(TopicPartition partition) {
        return consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
    }

    private long beginning(TopicPartition partition) {
        return consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
    }

    private List<TopicPartition> partitions(String topic) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (PartitionInfo info : consumer.partitionsFor(topic)) {
            partitions.add(new TopicPartition(topic, info.partition()));
        }
        if (partitions.isEmpty()) {
            throw new DeadLetterException(
                    "the broker at %s has no topic %s; is --config that of the node?"
                            .formatted(brokers, topic));
        }
        return partitions;
    }

    /** Something that is asked of the broker. */
    private interface Question<T> {
        T ask() throws ExecutionException, InterruptedException;
    }

    private <T> T asked(Question<T> question) {
        try {
            return question.ask();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DeadLetterException("interrupted", e);
        } catch (KafkaException | ExecutionException e) {
            throw new DeadLetterException(
                    "the broker at %s does not answer as it should (%s); is a node running there?"
                            .formatted(brokers, e.getMessage()),
                    e);
        }
    }

    @Override
    public void close() {
        consumer.close();
        producer.close();
    }
}
