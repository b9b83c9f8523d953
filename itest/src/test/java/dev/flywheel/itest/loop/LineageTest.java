package dev.flywheel.itest.loop;

import static dev.flywheel.itest.loop.LoopClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.app.FlywheelCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
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

/** From a version to the feedback behind it, from an answer to what it knew, from feedback to where it ended. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LineageTest {
    private static final String ADAPTER = "news/traced";

    @TempDir static Path folder;

    private LoopRig rig;

    @BeforeAll
    void start() throws Exception {
        rig = new LoopRig(folder);
        rig.createAdapter(ADAPTER, 8);
        for (int version = 1; version <= 3; version++) {
            rig.send(rig.click(rig.slate(ADAPTER, "answer-" + version, "user-" + version),
                    "f" + version, "c1"));
            int head = version;
            await("version " + version, () -> rig.client.getAdapter(ADAPTER).getHead() == head);
        }
    }

    @AfterAll
    void stop() {
        rig.close();
    }

    @Test
    @Order(1)
    void aVersionTellsItsRoundItsParentsAndWhereItsFeedbackStood() throws Exception {
        JsonNode told = lineage(0, "--version", "3", "--adapter", ADAPTER);

        assertThat(told.get("digest").asText())
                .isEqualTo(rig.client.getVersion(ADAPTER, 3).getRef().getDigest());
        assertThat(told.get("head").asBoolean()).isTrue();
        assertThat(told.get("aliases")).extracting(JsonNode::asText).containsExactly("serving");
        assertThat(told.get("learned").get("rounds").asLong()).isEqualTo(3);
        assertThat(told.get("learned").get("feedback").asLong()).isEqualTo(3);
        assertThat(told.get("ancestors")).extracting(each -> each.get("version").asLong())
                .containsExactly(2L, 1L, 0L);
        JsonNode round = told.get("round");
        assertThat(round.get("manifest").asLong()).isEqualTo(3);
        assertThat(round.get("seed").asLong()).isNotZero();
        assertThat(round.get("offsets")).hasSize(1);
        JsonNode example = round.get("trainedOn").get(0);
        assertThat(example.get("impression").asText()).isEqualTo("answer-3");
        assertThat(example.get("signal").asText()).isEqualTo("click");
        assertThat(example.get("feedback").get(0).asText()).isEqualTo("client/f3");
        assertThat(example.get("at").get(0).asText()).matches("[01]:\\d+");
        assertThat(told.toString()).doesNotContain("user-3");
        assertThat(text(0, "--version", "0", "--adapter", ADAPTER)).contains("0 rounds");
        assertThat(text(1, "--version", "99", "--adapter", ADAPTER)).contains("version 99");
    }

    @Test
    @Order(2)
    void anAnswerTellsItsVersionAndWhatThatHadLearned() throws Exception {
        VersionRef second = rig.client.getVersion(ADAPTER, 2).getRef();
        Impression answer = rig.unpublished(ADAPTER, "by-the-second", "u")
                .toBuilder()
                .setVersion(second)
                .build();
        assertThat(rig.impressions.offer(answer)).isTrue();
        rig.send(rig.click(answer, "by-the-second-f", "c0"));
        await("it is trained", () -> rig.client.getAdapter(ADAPTER).getHead() == 4);

        JsonNode told = lineage(0, "--impression", "by-the-second");

        assertThat(told.get("adapter").asText()).isEqualTo(ADAPTER);
        assertThat(told.get("version").asLong()).isEqualTo(2);
        assertThat(told.get("digest").asText()).isEqualTo(second.getDigest());
        assertThat(told.get("known").asBoolean()).isTrue();
        assertThat(told.get("learned").get("feedback").asLong()).isEqualTo(2);
        assertThat(told.get("chain")).extracting(each -> each.get("version").asLong())
                .containsExactly(2L, 1L, 0L);
        assertThat(text(0, "--impression", "answer-1"))
                .as("an answer by weights that no version has")
                .contains("DOES NOT HAVE");
        assertThat(text(1, "--impression", "never-given")).contains("never-given");
    }

    @Test
    @Order(3)
    void feedbackTellsWhereItEnded() throws Exception {
        rig.trainer.verdict = Outcome.OUTCOME_REJECTED;
        rig.send(rig.click(rig.slate(ADAPTER, "bad", "u-bad"), "bad-f", "c1"));
        await("its round is rejected", () -> rig.claimedExamples(ADAPTER).size() == 5
                && rig.client.listOpenManifests(ADAPTER).isEmpty());
        rig.send(rig.click(rig.slate("news/nowhere", "lost", "u"), "lost-f", "c1"));
        rig.send(rig.click(rig.unpublished(ADAPTER, "early", "u"), "early-f", "c1"));
        await("it is refused", () -> refused("lost-f"));

        JsonNode trained = lineage(0, "--feedback", "f2").get(0);
        assertThat(trained.get("end").asText()).isEqualTo("trained");
        assertThat(trained.get("source").asText()).isEqualTo("client");
        assertThat(trained.get("version").asLong()).isEqualTo(2);
        assertThat(trained.get("impression").asText()).isEqualTo("answer-2");
        assertThat(trained.get("records")).hasSize(1);
        assertThat(lineage(0, "--feedback", "f2", "--source", "client").get(0))
                .as("by the store's index alone")
                .isEqualTo(trained);

        JsonNode quarantined = lineage(0, "--feedback", "bad-f", "--source", "client").get(0);
        assertThat(quarantined.get("end").asText()).isEqualTo("quarantined");
        assertThat(quarantined.get("reason").asText()).contains("its round was rejected");
        JsonNode refused = lineage(0, "--feedback", "lost-f", "--source", "client").get(0);
        assertThat(refused.get("end").asText()).isEqualTo("refused");
        assertThat(refused.get("reason").asText()).isEqualTo("no_adapter, by round-driver");
        assertThat(refused.get("letter").asText()).matches("[01]:\\d+");
        JsonNode pending = lineage(0, "--feedback", "early-f").get(0);
        assertThat(pending.get("end").asText()).isEqualTo("pending");
        assertThat(lineage(0, "--feedback", "x", "--source", "client").get(0).get("end").asText())
                .isEqualTo("unknown");
        assertThat(text(1, "--feedback", "x")).contains("--source");
    }

    @Test
    @Order(4)
    void feedbackOfARoundThatWasRolledBackSaysSo() throws Exception {
        rig.client.rollback(RollbackRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setVersion(3)
                .setExpectedHead(rig.client.getAdapter(ADAPTER).getHead())
                .setActor("test")
                .build());

        JsonNode told = lineage(0, "--feedback", "by-the-second-f", "--source", "client").get(0);

        assertThat(told.get("end").asText()).isEqualTo("quarantined");
        assertThat(told.get("reason").asText()).contains("rolled back");
        assertThat(lineage(0, "--feedback", "f3", "--source", "client").get(0).get("end").asText())
                .isEqualTo("trained");
    }

    private boolean refused(String id) {
        try {
            return rig.refused().containsKey(id);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private JsonNode lineage(int code, String... args) throws Exception {
        List<String> words = new ArrayList<>(List.of(args));
        words.addAll(List.of("-o", "json"));
        return new ObjectMapper().readTree(text(code, words.toArray(String[]::new)));
    }

    private String text(int code, String... args) throws Exception {
        Path config = Files.writeString(folder.resolve("lineage.yaml"),
                "loop: {env: " + LoopRig.TOPICS.environment() + "}\n");
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said, true);
        CommandLine line = FlywheelCommand.commandLine().setOut(out).setErr(out);
        List<String> words = new ArrayList<>(List.of("lineage"));
        words.addAll(List.of(args));
        words.addAll(List.of("--config", config.toString(), "--brokers",
                rig.broker.bootstrapServers(), "--node", rig.target(), "--flink",
                rig.flink.rest().toString()));
        assertThat(line.execute(words.toArray(String[]::new))).as("%s", said).isEqualTo(code);
        return said.toString();
    }
}
