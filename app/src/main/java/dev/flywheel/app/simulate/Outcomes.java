package dev.flywheel.app.simulate;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.feedback.event.ReasonNames;
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
 * What became of the feedback that was sent, as it can be told from outside: rounds by the registry's manifests, refusals by
 * the dead-letter topic. For one thread; the caller closes it.
 */
final class Outcomes implements AutoCloseable {
    static final String TRAINED = "trained";
    private static final Duration POLL = Duration.ofMillis(20);

    private final StoreClient registry;
    private final KafkaConsumer<byte[], byte[]> deadLetters;
    private final Map<String, Long> seqEnded = new HashMap<>();
    private final Map<String, Long> newest = new HashMap<>();
    private final Set<FeedbackKey> waiting = new HashSet<>();
    /** Where what was expected ended: {@code trained}, {@code quarantined} or the reason of its refusal. */
    private final Map<FeedbackKey, String> ends = new HashMap<>();
    private final Set<FeedbackKey> inRounds = new HashSet<>();
    private long repeated;

    Outcomes(StoreClient registry, String brokers, String deadLetterTopic) {
        this.registry = registry;
        this.deadLetters = new KafkaConsumer<>(properties(brokers));
        List<TopicPartition> partitions = deadLetters.partitionsFor(deadLetterTopic)
                .stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        deadLetters.assign(partitions);
        deadLetters.seekToBeginning(partitions);
    }

    static Properties properties(String brokers) {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class.getName());
        properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class.getName());
        return properties;
    }

    /** Starts to follow an adapter's rounds. */
    void follow(String adapter) {
        seqEnded.putIfAbsent(adapter, 0L);
    }

    /** Follows it no longer. */
    void forget(String adapter) {
        seqEnded.remove(adapter);
        newest.remove(adapter);
    }

    /** Returns the number of the newest version that a round has made, 0 before the first. */
    long newestVersion(String adapter) {
        return newest.getOrDefault(adapter, 0L);
    }

    /** Notes feedback that is to end somewhere. */
    void expect(FeedbackKey key) {
        waiting.add(key);
    }

    /**
     * Waits until all that is expected has ended, or until nothing has ended for {@code patience}.
     *
     * @return how many have no end yet
     */
    int settle(Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        int before = waiting.size();
        while (!waiting.isEmpty() && System.nanoTime() < deadline) {
            look();
            if (waiting.size() < before) {
                before = waiting.size();
                deadline = System.nanoTime() + patience.toNanos();
            }
        }
        return waiting.size();
    }

    private void look() {
        seqEnded.keySet()
                .forEach(adapter -> registry.listManifests(adapter,
                        seqEnded.getOrDefault(adapter, 0L), this::seen));
        deadLetters.poll(POLL).forEach(this::refused);
    }

    private void seen(ManifestSummary manifest) {
        String adapter = manifest.getAdapter();
        if (manifest.getState() == ManifestState.MANIFEST_STATE_OPEN
                || manifest.getSeq() <= seqEnded.getOrDefault(adapter, 0L)) {
            return;
        }
        seqEnded.put(adapter, manifest.getSeq());
        if (manifest.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
            newest.put(adapter, manifest.getVersion());
        }
        if (manifest.getState() != ManifestState.MANIFEST_STATE_ABANDONED) {
            ended(manifest);
        }
    }

    private void ended(ManifestSummary manifest) {
        boolean committed = manifest.getState() == ManifestState.MANIFEST_STATE_COMMITTED;
        Set<FeedbackKey> lost = new HashSet<>(manifest.getQuarantinedList());
        for (FeedbackKey key : manifest.getFeedbackList()) {
            repeated += inRounds.add(key) ? 0 : 1;
            waiting.remove(key);
            ends.put(key, committed && !lost.contains(key) ? TRAINED : "quarantined");
        }
    }

    private void refused(ConsumerRecord<byte[], byte[]> record) {
        try {
            RefusedFeedback refusal = RefusedFeedback.parseFrom(record.value());
            waiting.remove(refusal.getKey());
            ends.putIfAbsent(refusal.getKey(), ReasonNames.of(refusal.getReason()));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(
                    "record %d of %s is no refusal".formatted(record.offset(), record.topic()), e);
        }
    }

    /** Returns where an event ended, empty if it has no end yet. */
    String end(FeedbackKey key) {
        return ends.getOrDefault(key, "");
    }

    /** Returns how often an event stood in a second round. */
    long repeated() {
        return repeated;
    }

    @Override
    public void close() {
        deadLetters.close();
    }
}
