package dev.flywheel.feedback.kafka;

import dev.flywheel.api.v1.Impression;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes impressions into Kafka without ever making an answer wait: {@link #publish} neither blocks nor throws, and memory is
 * bounded. What was accepted is kept, in order, until Kafka has it, however long that takes. Thread-safe.
 */
public final class ImpressionPublisher implements AutoCloseable {
    private static final Duration DELIVERY_TIMEOUT = Duration.ofDays(1);

    private final EventProducer producer;
    private final Topics topics;
    private final Unwritten unwritten = new Unwritten();
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();

    public ImpressionPublisher(PublisherSettings settings, InstantSource clock) {
        this.topics = settings.topics();
        this.producer = new EventProducer(settings,
                settings.producer("impressions", DELIVERY_TIMEOUT), topics.impression(), clock,
                unwritten::since);
    }

    /** Waits until impressions can be accepted; false if they cannot by then. For start-up only. */
    public boolean awaitReady(Duration timeout) throws InterruptedException {
        return producer.awaitMetadata(timeout);
    }

    /** Returns whether the impression was accepted; if not, its answer must carry no feedback token. */
    public boolean publish(Impression impression) {
        long servedAt = impression.getServedAtMillis();
        unwritten.begin(servedAt);
        boolean accepted =
                producer.send(EventRecords.of(topics, impression), (metadata, failure) -> {
                    unwritten.end(servedAt);
                    if (failure == null) {
                        acknowledged.incrementAndGet();
                    } else {
                        failed.incrementAndGet();
                    }
                });
        if (!accepted) {
            refused.incrementAndGet();
        }
        return accepted;
    }

    /** When the oldest impression was served that Kafka has not acknowledged, milliseconds since 1970; 0 if there is none. */
    public long unwrittenSince() {
        return unwritten.since();
    }

    /** Impressions that Kafka has acknowledged. */
    public long acknowledged() {
        return acknowledged.get();
    }

    /** Impressions that were not accepted. */
    public long refused() {
        return refused.get();
    }

    /** Impressions that were accepted and that Kafka then did not take. */
    public long lost() {
        return Math.max(0, failed.get() - refused.get());
    }

    @Override
    public void close() {
        producer.close();
    }
}
