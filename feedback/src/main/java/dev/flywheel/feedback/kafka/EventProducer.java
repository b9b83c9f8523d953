package dev.flywheel.feedback.kafka;

import dev.flywheel.api.v1.Heartbeat;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One topic's producer and its heartbeats, which go the same way as the events so that they cannot overtake them.
 *
 * <p>A partition whose last heartbeat is not acknowledged gets no other: a stalled broker piles up no heartbeats. Sending never
 * blocks and never throws. Thread-safe; the owner closes it.
 */
final class EventProducer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EventProducer.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private final KafkaProducer<byte[], byte[]> producer;
    private final String topic;
    private final String nodeId;
    private final InstantSource clock;
    private final LongSupplier unwrittenSince;
    private final ScheduledExecutorService timer;
    private final Set<Integer> unacknowledged = ConcurrentHashMap.newKeySet();

    /**
     * Starts to beat.
     *
     * @param clock up to when heartbeats say that time has gone on
     * @param unwrittenSince when the oldest impression of this node was served that Kafka does not have, 0 if it has all
     */
    EventProducer(PublisherSettings settings, Properties properties, String topic,
            InstantSource clock, LongSupplier unwrittenSince) {
        this.producer = new KafkaProducer<>(properties);
        this.topic = topic;
        this.nodeId = settings.nodeId();
        this.clock = clock;
        this.unwrittenSince = unwrittenSince;
        this.timer = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "heartbeat-" + topic);
            thread.setDaemon(true);
            return thread;
        });
        long nanos = settings.heartbeatInterval().toNanos();
        // Also what fetches the topic's metadata, which the first send would otherwise lack.
        var unused = timer.scheduleWithFixedDelay(this::beat, 0, nanos, TimeUnit.NANOSECONDS);
    }

    /** Waits until the topic's partitions are known; false if they are not by then. For start-up only. */
    boolean awaitMetadata(Duration timeout) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (partitions().isEmpty()) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return true;
    }

    /** Completes when Kafka has the record. Fails with its reason, at once if there is no room or no metadata. */
    CompletableFuture<Void> send(ProducerRecord<byte[], byte[]> record) {
        CompletableFuture<Void> sent = new CompletableFuture<>();
        try {
            var unused = producer.send(record, (metadata, failure) -> {
                if (failure == null) {
                    sent.complete(null);
                } else {
                    sent.completeExceptionally(reason(failure));
                }
            });
        } catch (KafkaException | IllegalStateException e) {
            sent.completeExceptionally(e); // the producer is closed or broken
        }
        return sent;
    }

    private static Throwable reason(Exception failure) {
        return failure instanceof RecordTooLargeException
                ? new EventTooLargeException(String.valueOf(failure.getMessage()))
                : failure;
    }

    private void beat() {
        try {
            for (PartitionInfo partition : partitions()) {
                beat(partition.partition());
            }
        } catch (RuntimeException e) {
            // A scheduled task that throws is never run again.
            log.warn("heartbeat of topic {} failed: {}", topic, e.toString());
        }
    }

    private void beat(int partition) {
        if (!unacknowledged.add(partition)) {
            return;
        }
        var unused = send(EventRecords.of(topic, partition, heartbeat().build()))
                .whenComplete((sent, failure) -> unacknowledged.remove(partition));
    }

    private Heartbeat.Builder heartbeat() {
        return Heartbeat.newBuilder()
                .setNodeId(nodeId)
                .setAtMillis(clock.millis())
                .setUnwrittenSinceMillis(unwrittenSince.getAsLong());
    }

    /** Tells each partition that this node is not to be waited for, after all that it has sent. */
    private void sayLast() {
        try {
            for (PartitionInfo partition : partitions()) {
                var unused = send(EventRecords.of(topic, partition.partition(),
                        heartbeat().setLast(true).build()));
            }
        } catch (RuntimeException e) {
            log.warn("last heartbeat of topic {} failed: {}", topic, e.toString());
        }
    }

    private List<PartitionInfo> partitions() {
        try {
            return producer.partitionsFor(topic);
        } catch (KafkaException e) {
            return List.of(); // asked for; known at one of the next calls
        }
    }

    /** Stops the heartbeats, with a last one, and waits, within limits, for what was sent to be acknowledged. */
    @Override
    public void close() {
        timer.shutdownNow();
        try {
            // A heartbeat after the last one would take the lease anew.
            if (!timer.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                log.warn("heartbeats of topic {} do not stop", topic);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        sayLast();
        producer.close(CLOSE_TIMEOUT);
    }
}
