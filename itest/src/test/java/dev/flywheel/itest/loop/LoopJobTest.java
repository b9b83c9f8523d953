package dev.flywheel.itest.loop;

import static dev.flywheel.itest.loop.LoopClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.local.JobWatch;
import dev.flywheel.app.local.LoopProgress;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.itest.docs.DirectProducer;
import dev.flywheel.pipelines.round.EpochLostException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** In order, since what the broker and the store hold only grows, as in life; the last test ends the job. */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class LoopJobTest {
    @TempDir static Path folder;

    private LoopRig rig;

    @BeforeAll
    void start() throws Exception {
        rig = new LoopRig(folder);
    }

    @AfterAll
    void stop() {
        rig.close();
    }

    @Test
    @Order(1)
    void positivesAreClaimedAtOnceAndSilenceAtTheEndOfItsWindow() throws Exception {
        rig.createAdapter("news/once", 32);
        Impression clicked = rig.slate("news/once", "once-clicked", "u1");
        Impression silent = rig.slate("news/once", "once-silent", "u2");
        long acknowledged = rig.send(rig.click(clicked, "once-f", "c1"));
        await("the first example is claimed",
                () -> !rig.claimedExamples("news/once").isEmpty());
        await("the second example is claimed",
                () -> rig.claimedExamples("news/once").size() == 2);
        List<Example> claimed = rig.claimedExamples("news/once");
        long silentUntil = silent.getServedAtMillis() + LoopRig.OBSERVATION.toMillis();
        assertThat(claimed.get(0).getImpressionId()).isEqualTo("once-clicked");
        assertThat(claimed.get(0).getLabelledAtMillis()).as("when it was clicked")
                .isLessThan(silentUntil);
        assertThat(claimed.get(1).getLabelledAtMillis()).as("when silence had been waited for")
                .isGreaterThanOrEqualTo(silentUntil);
        assertThat(claimed.get(0).getFeedbackList()).containsExactly(key("once-f"));
        assertThat(claimed.get(1).getImpressionId()).isEqualTo("once-silent");
        assertThat(claimed.get(1).getFeedbackList()).isEmpty();
        assertThat(acknowledged).isPositive();
        await("both rounds are committed",
                () -> rig.client.getAdapter("news/once").getHead() == 2);
    }

    @Test
    @Order(2)
    void everyEventEndsInExactlyOnePlace() throws Exception {
        rig.createAdapter("news/all", 32);
        Set<String> sent = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            Impression impression = rig.slate("news/all", "all-" + i, "user-" + i % 40);
            String id = "all-f" + i;
            FeedbackEvent click = rig.click(impression, id, "c" + i % 3);
            if (i % 10 == 3) {
                click = click.toBuilder()
                        .setFeedbackToken("AAAA" + click.getFeedbackToken())
                        .build();
            }
            if (i % 10 == 4) {
                click = rig.click(impression, id, "not-shown");
            }
            rig.send(click);
            sent.add(id);
            if (i % 5 == 0) {
                rig.send(click); // the sender's retry
                rig.send(rig.click(impression, id + "-again", "c" + i % 3));
                sent.add(id + "-again");
            }
        }
        Impression nobodys = rig.slate("news/missing", "all-missing", "u");
        rig.send(rig.click(nobodys, "all-missing-f", "c0"));
        sent.add("all-missing-f");
        for (int i = 0; i < 20; i++) {
            Impression impression = rig.slate("news/all", "all-greedy-" + i, "greedy");
            rig.send(rig.click(impression, "all-greedy-f" + i, "c0"));
            sent.add("all-greedy-f" + i);
        }
        sendGarbage();
        assertThat(rig.drain().total()).isZero();
        assertThat(rig.drain().held()).isZero();

        List<String> trained = ids(rig.trained("news/all"));
        Map<String, RefusedFeedback> refused = refusedOf("all-");
        assertThat(trained).doesNotHaveDuplicates();
        assertThat(trained).doesNotContainAnyElementsOf(refused.keySet());
        Set<String> ended = new HashSet<>(trained);
        ended.addAll(refused.keySet());
        assertThat(ended).isEqualTo(sent);
        assertThat(reasons(refused, "all-f3")).isEqualTo(RefusalReason.REFUSAL_REASON_FORGED);
        assertThat(reasons(refused, "all-f4"))
                .isEqualTo(RefusalReason.REFUSAL_REASON_NOT_APPLICABLE);
        assertThat(reasons(refused, "all-f0-again"))
                .isEqualTo(RefusalReason.REFUSAL_REASON_DUPLICATE);
        assertThat(reasons(refused, "all-missing-f"))
                .isEqualTo(RefusalReason.REFUSAL_REASON_NO_ADAPTER);
        assertThat(refused.values()
                .stream()
                .filter(each -> each.getReason() == RefusalReason.REFUSAL_REASON_CAPPED)
                .count()).isGreaterThanOrEqualTo(4);
        FeedbackEvent original = FeedbackEvent.parseFrom(refused.get("all-f4").getOriginal());
        assertThat(original.getSignal().getClick().getCandidateId()).isEqualTo("not-shown");
    }

    @Test
    @Order(3)
    void whatIsNoEventGoesToTheDeadLettersWithItsBytes() {
        List<ConsumerRecord<byte[], byte[]>> garbage = rig.deadLetters()
                .stream()
                .filter(record -> "malformed"
                        .equals(EventRecords.texts(record.headers()).get("flywheel.error.code")))
                .toList();
        assertThat(garbage).hasSize(1);
        Map<String, String> headers = EventRecords.texts(garbage.get(0).headers());
        assertThat(headers).containsEntry("flywheel.error.topic", LoopRig.TOPICS.feedback())
                .containsEntry("flywheel.error.stage", "feedback-intake")
                .containsKeys("flywheel.error.partition", "flywheel.error.offset",
                        "flywheel.error.message");
        assertThat(new String(garbage.get(0).value(), StandardCharsets.ISO_8859_1))
                .contains("no event at all");
    }

    @Test
    @Order(4)
    void aJobThatStartsFromNothingTrainsNothingTwice() throws Exception {
        List<String> before = ids(rig.trained("news/all"));
        Set<String> refusedBefore = refusedOf("all-").keySet();
        List<String> exampleIds = exampleIds("news/all");
        rig.stopJob();
        rig.forgetCheckpoints();
        rig.startJob();
        assertThat(rig.drain().total()).isZero();
        assertThat(exampleIds("news/all")).doesNotHaveDuplicates().containsAll(exampleIds);
        List<String> after = ids(rig.trained("news/all"));
        assertThat(after).doesNotHaveDuplicates().containsAll(before);
        // What had been trained is not refused now as a duplicate of itself. Caps alone depend on the order in which users'
        // events arrive, so they may fall on others this time; what is trained stays trained whatever a cap says later.
        Map<String, RefusedFeedback> refused = refusedOf("all-");
        refused.keySet().removeAll(refusedBefore);
        refused.values().removeIf(each -> each.getReason() == RefusalReason.REFUSAL_REASON_CAPPED);
        assertThat(refused).isEmpty();
    }

    @Test
    @Order(5)
    void aJobThatGoesOnFromItsCheckpointLosesNothing() throws Exception {
        rig.createAdapter("news/resume", 4);
        rig.trainer.failures.set(Integer.MAX_VALUE);
        Set<String> sent = new HashSet<>();
        for (int i = 0; i < 30; i++) {
            rig.send(rig.click(rig.slate("news/resume", "resume-" + i, "user-" + i), "resume-f" + i,
                    "c0"));
            sent.add("resume-f" + i);
        }
        await("the example is claimed",
                () -> !rig.claimedExamples("news/resume").isEmpty());
        rig.flink.checkpoint(Duration.ofSeconds(30));
        rig.stopJob();
        rig.trainer.failures.set(0);
        rig.startJob();
        assertThat(rig.drain().total()).isZero();
        assertThat(ids(rig.trained("news/resume"))).doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(sent);
        assertThat(states("news/resume")).containsOnly(ManifestState.MANIFEST_STATE_COMMITTED);
    }

    @Test
    @Order(6)
    void aSpoiltCheckpointIsLikeNone() throws Exception {
        List<String> before = ids(rig.trained("news/all"));
        rig.stopJob();
        rig.spoilCheckpoints();
        rig.startJob();
        assertThat(rig.drain().total()).isZero();
        assertThat(ids(rig.trained("news/all"))).doesNotHaveDuplicates().containsAll(before);
    }

    @Test
    @Order(7)
    void feedbackThatComesWhileStoreAndTrainerAreAwayIsTrainedWhenTheyAreBack() throws Exception {
        rig.createAdapter("news/away", 32);
        rig.send(rig.click(rig.slate("news/away", "away-0", "user-0"), "away-f0", "c0"));
        await("the round is committed",
                () -> rig.client.getAdapter("news/away").getHead() == 1);
        Set<String> sent = new HashSet<>(Set.of("away-f0"));
        rig.withoutServers(() -> {
            for (int i = 1; i < 10; i++) {
                rig.send(rig.click(rig.slate("news/away", "away-" + i, "user-" + i), "away-f" + i,
                        "c0"));
                sent.add("away-f" + i);
            }
        });
        assertThat(rig.drain().total()).isZero();
        assertThat(ids(rig.trained("news/away"))).containsExactlyInAnyOrderElementsOf(sent);
    }

    @Test
    @Order(8)
    void whatTheGateRefusesIsQuarantined() throws Exception {
        rig.createAdapter("news/rejected", 4);
        rig.trainer.verdict = Outcome.OUTCOME_REJECTED;
        rig.send(rig.click(rig.slate("news/rejected", "rejected-0", "u"), "rejected-f", "c0"));
        await("the round is rejected",
                () -> states("news/rejected").contains(ManifestState.MANIFEST_STATE_REJECTED));
        rig.trainer.verdict = Outcome.OUTCOME_COMMITTED;
        assertThat(rig.drain().total()).isZero();
        assertThat(rig.client.getAdapter("news/rejected").getHead()).isZero();
        List<ManifestSummary> manifests = manifests("news/rejected");
        assertThat(manifests).extracting(ManifestSummary::getState)
                .containsOnly(ManifestState.MANIFEST_STATE_REJECTED);
        assertThat(manifests).flatExtracting(ManifestSummary::getFeedbackList)
                .as("quarantined, and so neither trained nor refused")
                .containsExactly(key("rejected-f"));
        assertThat(refusedOf("rejected")).isEmpty();
    }

    @Test
    @Order(9)
    void feedbackThatComesAloneIsARoundOfItsOwn() throws Exception {
        rig.createAdapter("news/alone", 32);
        for (int i = 0; i < 10; i++) {
            Impression impression = rig.slate("news/alone", "alone-" + i, "user-" + i);
            rig.send(rig.click(impression, "alone-f" + i, "c0"));
            long seq = i + 1L;
            await("the round is committed",
                    () -> rig.client.getAdapter("news/alone").getHead() >= seq);
            assertThat(rig.client.getManifest("news/alone", seq).getExamplesList())
                    .extracting(Example::getFeedbackList)
                    .containsExactly(List.of(key("alone-f" + i)));
        }
    }

    @Test
    @Order(10)
    void aRefusedRecordAsLargeAsTheTopicTakesDoesNotHoldUpTheJob() throws Exception {
        rig.createAdapter("news/large", 4);
        Impression impression = rig.slate("news/large", "large-0", "u");
        // As near to the 1 MiB that a producer sends at most as headers and batch allow.
        FeedbackEvent small = rig.click(impression, "large-padded", "c0");
        FeedbackEvent padded = small.toBuilder()
                .setUser("u".repeat(1_048_200 - small.getSerializedSize()))
                .build();
        rig.send(padded);
        sendRaw("\u00ff".repeat(1_048_470).getBytes(StandardCharsets.ISO_8859_1));
        rig.send(rig.click(impression, "large-good", "c0"));
        await("what comes after them is trained",
                () -> rig.client.getAdapter("news/large").getHead() == 1);
        assertThat(rig.drain().total()).isZero();
        RefusedFeedback letter = refusedOf("large-").get("large-padded");
        assertThat(letter.getReason()).isEqualTo(RefusalReason.REFUSAL_REASON_MALFORMED);
        assertThat(letter.getDetail()).contains("at most 65536 are allowed");
        assertThat(letter.getOriginal().size()).isEqualTo(65_536);
        assertThat(letter.getOriginalBytes()).isEqualTo(padded.getSerializedSize());
        assertThat(letter.getOriginalDigest())
                .isEqualTo(Digest.of(padded.toByteArray()).hex());
    }

    @Test
    @Order(11)
    void whatAProducerWritesByHandAsReadmeShowsIsTrainedOnce() throws Exception {
        rig.createAdapter("news/direct", 4);
        Impression impression = rig.slate("news/direct", "direct-0", "u-17");
        String event = DirectProducer.event("direct-0", "acme",
                rig.click(impression, "unused", "c1").getFeedbackToken(), "c1");
        for (int i = 0; i < 2; i++) {
            DirectProducer.run(rig.broker.bootstrapServers(), LoopRig.TOPICS.feedback(), "direct-0",
                    event);
        }
        await("it is trained", () -> rig.client.getAdapter("news/direct").getHead() == 1);
        assertThat(rig.drain().total()).isZero();
        assertThat(rig.trained("news/direct")).containsExactly(
                FeedbackKey.newBuilder().setSource("shop").setFeedbackId("click-4711").build());
    }

    @Test
    @Order(12)
    void whatWasRefusedIsSentAgainByAnOperatorAndTrainedOnce() throws Exception {
        Impression impression = rig.slate("news/later", "later-0", "u");
        rig.send(rig.click(impression, "later-f", "c1"));
        assertThat(rig.drain().total()).isZero();
        JsonNode letter = dlq("list", "--reason", "no_adapter").get("letters")
                .findParents("feedbackId")
                .stream()
                .filter(line -> line.get("feedbackId").asText().equals("later-f"))
                .findFirst()
                .orElseThrow();
        String position = letter.get("position").asText();
        assertThat(dlq("show", position).get("event").asText())
                .contains("\"candidate_id\": \"c1\"");

        rig.createAdapter("news/later", 4);
        for (int i = 0; i < 2; i++) {
            assertThat(dlq("replay", position).get("sent").intValue()).isOne();
            await("it is trained", () -> rig.client.getAdapter("news/later").getHead() == 1);
            assertThat(rig.drain().total()).isZero();
        }
        assertThat(ids(rig.trained("news/later"))).containsExactly("later-f");
        assertThat(rig.client.getAdapter("news/later").getHead()).isOne();
    }

    private JsonNode dlq(String... args) throws IOException {
        Path config = Files.writeString(folder.resolve("dlq.yaml"),
                "loop: {env: " + LoopRig.TOPICS.environment() + "}\n");
        StringWriter said = new StringWriter();
        CommandLine line = FlywheelCommand.commandLine().setOut(new PrintWriter(said, true));
        List<String> words = new ArrayList<>(List.of("dlq"));
        words.addAll(List.of(args));
        words.addAll(List.of("-o", "json", "--config", config.toString(), "--brokers",
                rig.broker.bootstrapServers()));
        assertThat(line.execute(words.toArray(String[]::new))).isZero();
        return new ObjectMapper().readTree(said.toString());
    }

    @Test
    @Order(13)
    void heartbeatsThatFollowTheLastEventAreNotPending() throws Exception {
        try (LoopProgress progress = rig.progress();
                FeedbackAuditor auditor =
                        FeedbackAuditor.ofAll(rig.broker.bootstrapServers(), LoopRig.TOPICS,
                                rig.client, progress, LoopRig.READER)) {
            await("all has an end", () -> total(auditor) == 0);
            Map<Integer, Long> last = progress.ends();
            await("heartbeats have come to every partition",
                    () -> newerEverywhere(progress, last));
            await("nothing is pending, whatever beats", () -> total(auditor) == 0);
            await("nothing up to the last events is pending, whatever beats after them",
                    () -> pendingUpTo(progress, last) == 0);
        }
    }

    private static long total(FeedbackAuditor auditor) {
        try {
            return auditor.audit().fates().pending();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static long pendingUpTo(LoopProgress progress, Map<Integer, Long> ends) {
        try {
            return progress.measure(ends).map(LoopProgress.Pending::total).orElse(-1L);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static boolean newerEverywhere(LoopProgress progress, Map<Integer, Long> than) {
        try {
            Map<Integer, Long> now = progress.ends();
            return than.entrySet()
                    .stream()
                    .allMatch(
                            end -> now.getOrDefault(end.getKey(), 0L) > end.getValue() + 1);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Test
    @Order(14)
    void aWriterThatWasReplacedStopsForGoodAndSaysWhy() throws Exception {
        List<String> said = new CopyOnWriteArrayList<>();
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        long epoch;
        try (LoopProgress progress = rig.progress();
                JobWatch watch = new JobWatch(rig.flink, progress, meters, Duration.ofMillis(50),
                        said::add)) {
            await("what is pending is exported",
                    () -> meters.get("flywheel.loop.pending").gauge().value() == 0);
            assertThat(meters.get("flywheel.loop.job.restarts").functionCounter().count()).isZero();
            epoch = rig.client.acquireEpoch("news/alone", "another job").getEpoch();
            rig.send(rig.click(rig.slate("news/alone", "lost-0", "u"), "lost-f", "c0"));
            await("the job has failed", () -> failure().isPresent());
            await("the watch has said so", () -> !said.isEmpty());
            await("the watch looks no more, so that it says so once", () -> Thread
                    .getAllStackTraces()
                    .keySet()
                    .stream()
                    .noneMatch(thread -> thread.getName().equals("job-watch")));
        }
        assertThat(said).hasSize(1);
        assertThat(said.get(0)).contains("nothing is learned any more")
                .contains("adapter news/alone has another writer now")
                .doesNotContain("\n");
        assertThat(failure().orElseThrow())
                .hasStackTraceContaining(EpochLostException.class.getName())
                .hasStackTraceContaining("adapter news/alone has another writer now");
        assertThat(epoch).isPositive();
    }

    private Optional<Throwable> failure() {
        try {
            return rig.flink.failure();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void sendGarbage() throws Exception {
        sendRaw("\u00ffno event at all".getBytes(StandardCharsets.ISO_8859_1));
    }

    private void sendRaw(byte[] bytes) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", rig.broker.bootstrapServers()),
                new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(LoopRig.TOPICS.feedback(), bytes)).get();
        }
    }

    private Map<String, RefusedFeedback> refusedOf(String prefix) throws Exception {
        Map<String, RefusedFeedback> refused = rig.refused();
        refused.keySet().removeIf(id -> !id.startsWith(prefix));
        return refused;
    }

    private static RefusalReason reasons(Map<String, RefusedFeedback> refused, String id) {
        return refused.get(id).getReason();
    }

    private List<ManifestState> states(String adapter) {
        return manifests(adapter).stream().map(ManifestSummary::getState).toList();
    }

    private List<ManifestSummary> manifests(String adapter) {
        List<ManifestSummary> manifests = new ArrayList<>();
        rig.client.listManifests(adapter, 0, manifests::add);
        return manifests;
    }

    private List<String> exampleIds(String adapter) {
        return rig.claimedExamples(adapter).stream().map(Example::getExampleId).toList();
    }

    private static List<String> ids(List<FeedbackKey> keys) {
        return keys.stream().map(FeedbackKey::getFeedbackId).toList();
    }

    private static FeedbackKey key(String id) {
        return FeedbackKey.newBuilder().setSource("client").setFeedbackId(id).build();
    }
}
