package dev.flywheel.app.local;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.feedback.kafka.FeedbackPublisher;
import dev.flywheel.feedback.kafka.ImpressionPublisher;
import dev.flywheel.feedback.kafka.PublisherSettings;
import dev.flywheel.serving.impression.ImpressionSpool;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's way to Kafka. Its thread makes the topics and then the publishers, whose heartbeats begin with them, and tries again for as long
 * as the broker is away; nobody waits for it. Until then nothing is taken: impressions stay in the spool, and feedback is refused as
 * where the broker goes away later. Thread-safe.
 */
final class BrokerLink implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BrokerLink.class);
    private static final long PAUSE_MILLIS_MIN = 250;
    private static final long PAUSE_MILLIS_MAX = 5_000;
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(15);

    private final FlywheelConfig config;
    private final PublisherSettings publishing;
    private final ImpressionSpool spool;
    private final InstantSource clock;
    private final CountDownLatch made = new CountDownLatch(1);
    private final Thread thread;
    private volatile @Nullable Publishers publishers;

    private record Publishers(ImpressionPublisher impressions, FeedbackPublisher feedback) {}

    private BrokerLink(FlywheelConfig config, PublisherSettings publishing, ImpressionSpool spool,
            InstantSource clock) {
        this.config = config;
        this.publishing = publishing;
        this.spool = spool;
        this.clock = clock;
        this.thread = Thread.ofPlatform().daemon().name("broker-link").unstarted(this::run);
    }

    /** Starts to look for the broker and returns at once. */
    static BrokerLink start(FlywheelConfig config, PublisherSettings publishing,
            ImpressionSpool spool, InstantSource clock) {
        BrokerLink link = new BrokerLink(config, publishing, spool, clock);
        link.thread.start();
        return link;
    }

    private void run() {
        long pause = PAUSE_MILLIS_MIN;
        try {
            while (!tried(pause)) {
                TimeUnit.MILLISECONDS.sleep(pause);
                pause = Math.min(2 * pause, PAUSE_MILLIS_MAX);
            }
        } catch (InterruptedException stopped) {
            LOG.debug("stopped while the broker was away");
        }
    }

    private boolean tried(long pause) throws InterruptedException {
        try {
            // Before anything that asks for a topic: some brokers make one of their own then.
            LoopTopics.make(config, publishing);
            publishers = open();
            made.countDown();
            LOG.info("the broker answers at {}", publishing.brokers());
            return true;
        } catch (KafkaException | IllegalStateException away) {
            LOG.warn("no broker at {} yet, tried again in {} ms; impressions wait on disk: {}",
                    publishing.brokers(), pause, away.getMessage());
            return false;
        }
    }

    private Publishers open() {
        ImpressionPublisher impressions =
                new ImpressionPublisher(publishing, spool.progress(), spool::unwrittenSince);
        boolean both = false;
        try {
            Publishers opened = new Publishers(impressions,
                    new FeedbackPublisher(publishing, clock, spool::unwrittenSince));
            both = true;
            return opened;
        } finally {
            if (!both) {
                impressions.close();
            }
        }
    }

    /** Waits until events can be accepted; false if they cannot by then. */
    boolean awaitReady(Duration timeout) throws InterruptedException {
        if (!made.await(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
            return false;
        }
        Publishers opened = publishers;
        return opened != null && opened.impressions().awaitReady(timeout)
                && opened.feedback().awaitReady(timeout);
    }

    /** As {@link ImpressionPublisher#publish}. */
    CompletableFuture<Void> publish(Impression impression) {
        Publishers opened = publishers;
        return opened == null ? away() : opened.impressions().publish(impression);
    }

    /** As {@link FeedbackPublisher#publish}. */
    CompletableFuture<Long> publish(FeedbackEvent event) {
        Publishers opened = publishers;
        return opened == null ? away() : opened.feedback().publish(event);
    }

    private static <T> CompletableFuture<T> away() {
        return CompletableFuture.failedFuture(new IOException("the broker has not answered yet"));
    }

    @Override
    public void close() throws InterruptedException {
        thread.interrupt();
        if (!thread.join(CLOSE_PATIENCE)) {
            LOG.warn("the broker is still being asked for its topics");
        }
        Publishers opened = publishers;
        if (opened != null) {
            opened.feedback().close();
            opened.impressions().close();
        }
    }
}
