package dev.flywheel.app.audit;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.Topics;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Counts where each distinct feedback event ended, from the sources themselves: the feedback topic, the dead-letter
 * topic, and the store's manifests.
 *
 * <p>Keeps its place in the topics between audits, and the ids it has seen: memory grows by some hundred bytes an event,
 * so it is for a run with an end (demo, replay), not for a node that stays up. For one thread.
 */
public final class FeedbackAuditor implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Topics topics;
    private final StoreClient store;
    private final Pending pending;
    private final IntakeReader reader;
    /** By partition of the feedback topic: offset after its last event; only heartbeats have come since. */
    private final Map<Integer, Long> eventsEnd = new HashMap<>();
    private final Set<FeedbackKey> acknowledged = new HashSet<>();
    private final Map<FeedbackKey, String> refused = new HashMap<>();

    /** Measures feedback that is on its way. */
    public interface Pending {
        /**
         * Counts what has no end yet.
         *
         * @param ends offset, by partition of the feedback topic, before which records count
         */
        long count(Map<Integer, Long> ends);
    }

    /**
     * Reads both topics from their beginning.
     *
     * @param pending measures the events on their way: topic lag, events between the stages of the job, events it holds
     * @param reader as the job reads
     */
    public FeedbackAuditor(String brokers, Topics topics, StoreClient store, Pending pending,
            IntakeReader reader) {
        this.consumer = new KafkaConsumer<>(properties(brokers));
        this.topics = topics;
        this.store = store;
        this.pending = pending;
        this.reader = reader;
        List<TopicPartition> partitions =
                List.of(topics.feedback(), topics.deadFeedback())
                        .stream()
                        .flatMap(topic -> consumer.partitionsFor(topic).stream())
                        .map(info -> new TopicPartition(info.topic(), info.partition()))
                        .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    private static Properties properties(String brokers) {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class.getName());
        properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class.getName());
        return properties;
    }

    /** Counts as things stand. */
    public FeedbackFates audit() {
        readTopics();
        long onTheWay = pending.count(eventsEnd);
        ManifestTally tally = new ManifestTally(acknowledged);
        for (AdapterRecord adapter : store.listAllAdapters()) {
            store.listManifests(adapter.getName(), 0, tally::add);
        }
        return tally.fates(refused, onTheWay);
    }

    /** Reads up to the ends that the topics have now. */
    private void readTopics() {
        Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
        while (ends.entrySet()
                .stream()
                .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            consumer.poll(POLL).forEach(this::read);
        }
    }

    private void read(ConsumerRecord<byte[], byte[]> record) {
        if (record.topic().equals(topics.feedback())) {
            readEvent(record);
        } else {
            readRefusal(record);
        }
    }

    /** A record that cannot be read counts under the id its headers claim; without one it is nobody's feedback. */
    private void readEvent(ConsumerRecord<byte[], byte[]> record) {
        switch (reader.feedback(record)) {
            case Intake.Valid<FeedbackEvent>(FeedbackEvent event) -> {
                eventsEnd.put(record.partition(), record.offset() + 1);
                acknowledged.add(key(event));
            }
            case Intake.Malformed<FeedbackEvent> malformed -> {
                eventsEnd.put(record.partition(), record.offset() + 1);
                FeedbackKey claimed = reader.claimedKey(record);
                if (!claimed.getFeedbackId().isEmpty()) {
                    acknowledged.add(claimed);
                }
            }
            case Intake.Beat<FeedbackEvent> beat -> {}
        }
    }

    private void readRefusal(ConsumerRecord<byte[], byte[]> record) {
        try {
            RefusedFeedback refusal = RefusedFeedback.parseFrom(record.value());
            refused.putIfAbsent(refusal.getKey(), ReasonNames.of(refusal.getReason()));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(
                    "record %d of %s is no refusal".formatted(record.offset(), record.topic()), e);
        }
    }

    private static FeedbackKey key(FeedbackEvent event) {
        return FeedbackKey.newBuilder()
                .setSource(event.getSource())
                .setFeedbackId(event.getFeedbackId())
                .build();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
