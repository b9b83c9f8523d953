package dev.flywheel.feedback.kafka;

import dev.flywheel.api.v1.FeedbackEvent;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * Writes feedback events into Kafka; an event is acknowledged only when all in-sync replicas have it. Never blocks; memory is
 * bounded. Thread-safe.
 */
public final class FeedbackPublisher implements AutoCloseable {
    private final EventProducer producer;
    private final Topics topics;
    private final InstantSource clock;

    /** Makes a publisher of a node that writes no impressions. */
    public FeedbackPublisher(PublisherSettings settings, InstantSource clock) {
        this(settings, clock, () -> 0);
    }

    /**
     * Makes a publisher.
     *
     * @param unwrittenSince what the same node's {@link ImpressionPublisher} goes by, so that feedback waits for what is not
     *     written yet even where heartbeats cannot get into the impressions' topic either
     */
    public FeedbackPublisher(PublisherSettings settings, InstantSource clock,
            LongSupplier unwrittenSince) {
        this.topics = settings.topics();
        this.clock = clock;
        this.producer = new EventProducer(settings,
                settings.producer("feedback", settings.feedbackTimeout()), topics.feedback(),
                clock, unwrittenSince);
    }

    /** Waits until events can be accepted; false if they cannot by then. For start-up only. */
    public boolean awaitReady(Duration timeout) throws InterruptedException {
        return producer.awaitMetadata(timeout);
    }

    /**
     * Returns the clock's milliseconds at which Kafka had acknowledged the event. Fails with Kafka's reason; the event may then
     * be in the topic all the same, so its sender repeats it with the same id; not so with {@link EventTooLargeException}.
     */
    public CompletableFuture<Long> publish(FeedbackEvent event) {
        return producer.send(EventRecords.of(topics, event)).thenApply(sent -> clock.millis());
    }

    @Override
    public void close() {
        producer.close();
    }
}
