package dev.flywheel.itest.loop;

import static dev.flywheel.itest.loop.LoopClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.Preference;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.Thumb;
import dev.flywheel.feedback.kafka.FeedbackPublisher;
import dev.flywheel.feedback.kafka.ImpressionPublisher;
import dev.flywheel.feedback.kafka.PublisherSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real broker and job, and a node whose clock stands still but where a test moves it. It lives in the past of the machine. */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EventTimeTest {
    private static final Duration LEASE = Duration.ofSeconds(10);

    @TempDir static Path folder;

    private final AtomicLong now =
            new AtomicLong(Instant.now().minus(Duration.ofDays(1)).toEpochMilli());
    private final InstantSource clock = () -> Instant.ofEpochMilli(now.get());
    private LoopRig rig;

    @BeforeAll
    void start() throws Exception {
        rig = new LoopRig(folder, clock);
    }

    @AfterAll
    void stop() {
        rig.close();
    }

    private void pass(Duration time) {
        now.addAndGet(time.toMillis());
    }

    /** Lets time pass in small steps, as it does, until something has happened. */
    private void passUntil(String what, BooleanSupplier happened) {
        await(what, () -> {
            pass(Duration.ofMillis(100));
            return happened.getAsBoolean();
        });
    }

    @Test
    @Order(1)
    void whereNodesStandStillNoSilenceIsCountedWhateverAProducerSays() throws Exception {
        rig.createAdapter("news/still", 32);
        rig.slate("news/still", "still-silent", "u1");
        Impression clicked = rig.slate("news/still", "still-clicked", "u2");
        FeedbackEvent ahead = rig.click(clicked, "still-f", "c1")
                .toBuilder()
                .setReceivedAtMillis(now.get() + LoopRig.OBSERVATION.toMillis() * 10)
                .build();
        rig.send(ahead);
        await("what a user said is learned at once",
                () -> rig.claimedExamples("news/still").size() == 1);
        rig.send(rig.click(clicked, "still-g", "c2"));
        await("and again", () -> rig.claimedExamples("news/still").size() == 2);
        assertThat(rig.claimedExamples("news/still")).extracting(Example::getImpressionId)
                .containsOnly("still-clicked");
        pass(LoopRig.OBSERVATION.plusSeconds(1));
        await("silence is counted when the node has got so far",
                () -> rig.claimedExamples("news/still").size() == 3);
    }

    @Test
    @Order(2)
    void aDeadNodeIsWaitedForAsLongAsItsLeaseLasts() throws Exception {
        rig.createAdapter("news/dead", 32);
        AtomicLong stopped = new AtomicLong(now.get());
        InstantSource standing = () -> Instant.ofEpochMilli(stopped.get());
        try (ImpressionPublisher impressions =
                new ImpressionPublisher(settings("node-2"), standing, () -> 0);
                FeedbackPublisher feedback = new FeedbackPublisher(settings("node-2"), standing)) {
            assertThat(impressions.awaitReady(Duration.ofSeconds(30))).isTrue();
            assertThat(feedback.awaitReady(Duration.ofSeconds(30))).isTrue();
            await("it has beaten everywhere", () -> rig.hasBeaten("node-2"));
            pass(Duration.ofMillis(500));
            rig.slate("news/dead", "dead-silent", "u1");
            passUntil("time goes on without it",
                    () -> !rig.claimedExamples("news/dead").isEmpty());
            assertThat(now.get() - stopped.get()).isGreaterThan(LEASE.toMillis());
        }
    }

    @Test
    @Order(3)
    void aPreferenceBecomesAPairWhicheverComesFirst() throws Exception {
        rig.createAdapter("news/pairs", 32);
        Impression good = rig.answer("news/pairs", "pairs-good", "u1", 2);
        FeedbackEvent first = rig.signal(good, "pairs-f",
                Signal.newBuilder()
                        .setPreference(
                                Preference.newBuilder().setRejectedImpressionId("pairs-bad")));
        rig.send(first);
        rig.answer("news/pairs", "pairs-bad", "u1", 3);
        await("it is claimed", () -> rig.claimedExamples("news/pairs").size() == 1);
        Example pair = rig.claimedExamples("news/pairs").get(0);
        assertThat(pair.getKind()).isEqualTo(ExampleKind.EXAMPLE_KIND_DPO);
        assertThat(pair.getOptionsList()).extracting(LabelledOption::getLabel)
                .containsExactly(1.0, -1.0);
        assertThat(pair.getOptionsList()).extracting(LabelledOption::getIdsList)
                .containsExactly(List.of(20, 21), List.of(20, 21, 22));
        rig.answer("news/pairs", "pairs-other", "u2", 4);
        rig.send(rig.signal(good, "pairs-g",
                Signal.newBuilder()
                        .setPreference(
                                Preference.newBuilder().setRejectedImpressionId("pairs-other"))));
        assertThat(rig.drain().total()).isZero();
        assertThat(rig.refused().get("pairs-g").getReason())
                .isEqualTo(RefusalReason.REFUSAL_REASON_FORGED);
    }

    @Test
    @Order(4)
    void feedbackWaitsWhileItsNodeHasNotWrittenTheAnswer() throws Exception {
        rig.createAdapter("news/unwritten", 32);
        Impression answer = unwritten("unwritten-0", "node-3");
        Impression nobodys = unwritten("unwritten-1", "node-9");
        Signal.Builder thumb = Signal.newBuilder().setThumb(Thumb.newBuilder().setUp(true));
        // Its heartbeats reach the feedback topic alone, as those of a node for which the other topic is out of reach.
        try (FeedbackPublisher node = new FeedbackPublisher(settings("node-3"), clock,
                answer::getServedAtMillis)) {
            await("the report has come", () -> rig.hasBeaten("node-3"));
            rig.send(rig.signal(answer, "unwritten-f", thumb));
            rig.send(rig.signal(nobodys, "unwritten-g", thumb));
            pass(Duration.ofMinutes(5).plusSeconds(2));
            await("feedback on an answer of a node that reports nothing is given up",
                    () -> refused("unwritten-g"));
            assertThat(refused("unwritten-f")).isFalse();
            assertThat(rig.impressions.offer(answer)).isTrue();
            await("it is trained when its answer has come",
                    () -> rig.trained("news/unwritten").size() == 1);
        }
    }

    private Impression unwritten(String id, String node) {
        return rig.unwrittenAnswer("news/unwritten", id, "u1", 2)
                .toBuilder()
                .setNodeId(node)
                .build();
    }

    private PublisherSettings settings(String node) {
        return PublisherSettings.of(rig.broker.bootstrapServers(), LoopRig.TOPICS, node,
                Duration.ofMillis(100));
    }

    private boolean refused(String feedbackId) {
        try {
            return rig.refused().containsKey(feedbackId);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
