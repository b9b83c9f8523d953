package dev.flywheel.feedback.kafka;

import dev.flywheel.api.v1.Impression;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * Writes impressions into Kafka. {@link #publish} neither blocks nor throws, and memory is bounded; what is not taken is for the
 * caller to send again. Thread-safe.
 */
public final class ImpressionPublisher implements AutoCloseable {
    /** Longest impression that Kafka takes, with room for its headers; brokers and producers are set to a MiB by default. */
    public static final int IMPRESSION_BYTES_MAX = (1 << 20) - (16 << 10);

    private static final Duration DELIVERY_TIMEOUT = Duration.ofDays(1);

    private final EventProducer producer;
    private final Topics topics;

    /**
     * Makes a publisher.
     *
     * @param progress up to when this node's impressions have been handed to {@link #publish}; heartbeats tell it
     * @param unwrittenSince when the oldest impression of this node was served that Kafka does not have, milliseconds since 1970; 0 if
     *     it has all
     */
    public ImpressionPublisher(PublisherSettings settings, InstantSource progress,
            LongSupplier unwrittenSince) {
        this.topics = settings.topics();
        this.producer = new EventProducer(settings,
                settings.producer("impressions", DELIVERY_TIMEOUT), topics.impression(), progress,
                unwrittenSince);
    }

    /** Waits until impressions can be accepted; false if they cannot by then. For start-up only. */
    public boolean awaitReady(Duration timeout) throws InterruptedException {
        return producer.awaitMetadata(timeout);
    }

    /**
     * Completes when Kafka has the impression. Fails with Kafka's reason, at once where there is no room or no broker, and with {@link
     * EventTooLargeException} for what Kafka is never going to take.
     */
    public CompletableFuture<Void> publish(Impression impression) {
        return producer.send(EventRecords.of(topics, impression));
    }

    @Override
    public void close() {
        producer.close();
    }
}
