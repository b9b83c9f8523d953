package dev.flywheel.itest.loop;

import static dev.flywheel.itest.loop.LoopClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.app.audit.AdapterTerms;
import dev.flywheel.app.audit.AuditReport;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.audit.LedgerReport;
import dev.flywheel.app.audit.OpenEvent;
import dev.flywheel.app.local.LoopProgress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
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

/** P3: {@code acknowledged = trained + quarantined + refused + pending}, each term measured. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class AuditTest {
    @TempDir static Path folder;

    private LoopRig rig;
    private final List<FeedbackKey> ledger = new ArrayList<>();

    @BeforeAll
    void start() throws Exception {
        rig = new LoopRig(folder);
        rig.createAdapter("news/audited", 8);
    }

    @AfterAll
    void stop() {
        rig.close();
    }

    @Test
    @Order(1)
    void whatEndsIsCountedWhereItEndedAndRepetitionsBesides() throws Exception {
        for (int i = 0; i < 12; i++) {
            FeedbackEvent click = click("news/audited", "t" + i);
            send(click);
            if (i % 4 == 0) {
                rig.send(click);
            }
        }
        send(click("news/missing", "m"));
        sendRaw("no event at all");
        assertThat(rig.drain().total()).isZero();

        try (LoopProgress job = rig.progress(); FeedbackAuditor auditor = ofAll(job)) {
            AuditReport report = settled(auditor);

            assertThat(report.acknowledged()).isEqualTo(13);
            assertThat(report.trained()).isEqualTo(12);
            assertThat(report.refused()).isEqualTo(Map.of("no_adapter", 1L));
            assertThat(report.pending().total()).isZero();
            assertThat(report.duplicates().records()).isEqualTo(17);
            assertThat(report.duplicates().repeated()).isEqualTo(3);
            assertThat(report.duplicates().unnamed()).isEqualTo(1);
            assertThat(report.adapters())
                    .containsExactly(Map.entry("news/audited", new AdapterTerms(12, 0, 0)));
        }
    }

    @Test
    @Order(2)
    void whatWaitsIsPendingWhereverItWaits() throws Exception {
        rig.trainer.failures.set(1_000_000);
        send(click("news/audited", "inRound"));
        await("a round is open", () -> !rig.client.listOpenManifests("news/audited").isEmpty());
        send(rig.click(rig.unpublished("news/audited", "early", "u"), "early", "c0"));

        try (LoopProgress job = rig.progress(); FeedbackAuditor auditor = ofAll(job)) {
            AuditReport report = settled(auditor);

            assertThat(report.acknowledged()).isEqualTo(15);
            assertThat(report.pending().total()).isEqualTo(2);
            assertThat(report.adapters().get("news/audited").inOpenManifests()).isEqualTo(1);
            assertThat(report.oldestOpen()).extracting(OpenEvent::feedbackId)
                    .containsExactlyInAnyOrder("inRound", "early");
            assertThat(report.duplicates().records()).isEqualTo(19);
        }
    }

    @Test
    @Order(3)
    void theCommandShowsEachTermAndAgreesWithTheClientsOwnLedger() throws Exception {
        rig.trainer.failures.set(0);
        await("the round is committed",
                () -> rig.client.listOpenManifests("news/audited").isEmpty());

        JsonNode told = command(0);

        assertThat(told.get("acknowledged").asLong()).isEqualTo(15);
        assertThat(told.get("trained").asLong()).isEqualTo(13);
        assertThat(told.get("refused").get("no_adapter").asLong()).isEqualTo(1);
        assertThat(told.get("pending").get("total").asLong()).isEqualTo(1);
        assertThat(told.get("difference").asLong()).isZero();
        try (LoopProgress job = rig.progress(); FeedbackAuditor auditor = ofAll(job)) {
            FeedbackKey never = key("never-written");
            List<FeedbackKey> heard = new ArrayList<>(ledger);
            heard.remove(key("t3"));
            heard.add(never);
            heard.add(key("t1"));

            LedgerReport compared = auditor.compare(heard, settled(auditor));

            assertThat(compared.acknowledged()).isEqualTo(15);
            assertThat(compared.lost()).containsExactly(never);
            assertThat(compared.lostInAll()).isEqualTo(1);
            assertThat(compared.twice()).isEmpty();
            assertThat(compared.trained()).isEqualTo(12);
            assertThat(compared.refused()).isEqualTo(Map.of("no_adapter", 1L));
            assertThat(compared.open()).containsExactly(key("early"));
            assertThat(compared.pending()).isEqualTo(1);
            assertThat(compared.unheard()).isEqualTo(1);
        }
    }

    @Test
    @Order(4)
    void aJobThatTellsNothingLeavesTheAuditWithoutAResult() throws Exception {
        try (FeedbackAuditor auditor = FeedbackAuditor.ofAll(rig.broker.bootstrapServers(),
                LoopRig.TOPICS, rig.client, Optional::empty, LoopRig.READER)) {
            AuditReport report = auditor.audit();

            assertThat(report.pending()).isNull();
            assertThat(report.balanced()).isFalse();
            assertThat(report.fates().pending()).isEqualTo(-1);
        }
    }

    @Test
    @Order(5)
    void anAuditorThatKnowsFewEventsCountsTheSameAndGoesOnFromThere() throws Exception {
        try (LoopProgress job = rig.progress();
                FeedbackAuditor all = ofAll(job);
                FeedbackAuditor recent = FeedbackAuditor.ofRecent(4,
                        rig.broker.bootstrapServers(), LoopRig.TOPICS, rig.client, job,
                        LoopRig.READER, InstantSource.system())) {
            assertThat(settled(recent).fates()).isEqualTo(settled(all).fates());
            for (int i = 0; i < 9; i++) {
                send(click("news/audited", "later" + i));
            }
            // Claimed ones have no end yet, and more of them may be open than it knows.
            await("they are trained", () -> rig.trained("news/audited").size() == 22
                    && rig.client.listOpenManifests("news/audited").isEmpty());
            AuditReport report = settled(recent);
            assertThat(report.trained()).isEqualTo(22);
            assertThat(report.notFollowed()).isZero();
            assertThat(report.fates()).isEqualTo(settled(all).fates());
        }
    }

    private FeedbackAuditor ofAll(LoopProgress job) {
        return FeedbackAuditor.ofAll(rig.broker.bootstrapServers(), LoopRig.TOPICS, rig.client,
                job, LoopRig.READER);
    }

    /** What moves may be seen at two places, or at none. */
    private static AuditReport settled(FeedbackAuditor auditor) throws InterruptedException {
        AuditReport report = auditor.audit();
        for (int again = 0; again < 50 && !report.balanced(); again++) {
            report = auditor.audit();
        }
        assertThat(report.balanced()).as("%s", report).isTrue();
        return report;
    }

    private JsonNode command(int code) throws Exception {
        Path config = Files.writeString(folder.resolve("audit.yaml"),
                "loop: {env: " + LoopRig.TOPICS.environment() + "}\n");
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said, true);
        CommandLine line = FlywheelCommand.commandLine().setOut(out).setErr(out);
        int ended = line.execute("audit", "-o", "json", "--wait", "60s", "--config",
                config.toString(), "--brokers", rig.broker.bootstrapServers(), "--node",
                rig.target(), "--flink", rig.flink.rest().toString());
        assertThat(ended).as("%s", said).isEqualTo(code);
        return new ObjectMapper().readTree(said.toString());
    }

    private FeedbackEvent click(String adapter, String id) {
        Impression shown = rig.slate(adapter, "audit-" + id, "user-" + id);
        return rig.click(shown, id, "c1");
    }

    private void send(FeedbackEvent event) throws Exception {
        rig.send(event);
        ledger.add(key(event.getFeedbackId()));
    }

    private void sendRaw(String text) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", rig.broker.bootstrapServers()),
                new ByteArraySerializer(), new ByteArraySerializer())) {
            var unused = producer.send(new ProducerRecord<>(LoopRig.TOPICS.feedback(),
                    text.getBytes(StandardCharsets.ISO_8859_1))).get();
        }
    }

    private static FeedbackKey key(String id) {
        return FeedbackKey.newBuilder().setSource("client").setFeedbackId(id).build();
    }
}
