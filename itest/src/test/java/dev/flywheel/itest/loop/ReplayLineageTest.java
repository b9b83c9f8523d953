package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** P12, over the whole loop: what it learned from its users comes out of its manifests again. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ReplayLineageTest {
    /** {@code -Dreplay.versions=100} for more, at two or three a second. */
    private static final int VERSIONS = Integer.getInteger("replay.versions", 5);

    private static final String ADAPTER = "default/main";
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path folder;

    /** What a command came to. */
    private record Run(int code, String out, String err) {
        JsonNode json() throws IOException {
            return JSON.readTree(out);
        }
    }

    @Test
    void whatALoopLearnedComesOutAgainBesideTheRunningNodeAndAfterIt() throws Exception {
        Path data = folder.resolve("data");
        VersionRecord head;
        try (LocalLoop node = LocalLoop.start(config(), data, BuiltInBase.folder())) {
            node.createAdapterOfSettings();
            learn(new LoopClient(node.channel(), ADAPTER));
            head = head(node);
            assertIdentical(replay(data, "--from", "0", "--to", number(head)), head, number(head));
        }

        assertIdentical(replay(data, "--from", "2"), head, number(head) - 2);

        Run elsewhere = replay(data, "--weights", "q8");
        assertThat(elsewhere.code()).isEqualTo(1);
        assertThat(elsewhere.out()).isEmpty();
        assertThat(elsewhere.err())
                .contains("version 1 of " + ADAPTER + " was trained on base",
                        head.getRef().getBaseDigest())
                .hasLineCount(1);
    }

    private static void learn(LoopClient client) {
        for (int round = 0; round < VERSIONS; round++) {
            String user = "u" + round % 3;
            client.click(client.rank(user), user, "click-" + round);
            client.awaitTrained(Set.of("click-" + round));
        }
    }

    private static VersionRecord head(LocalLoop node) {
        StoreClient store = StoreClient.over(node.channel());
        // A manifest's end can be read a moment before HEAD is seen to have moved.
        LoopClient.await("HEAD is at the last round",
                () -> store.getAdapter(ADAPTER).getHead() >= VERSIONS);
        long head = store.getAdapter(ADAPTER).getHead();
        return store.getVersion(ADAPTER, head);
    }

    private static void assertIdentical(Run run, VersionRecord head, long versions)
            throws IOException {
        assertThat(run.code()).as("%s%s", run.out(), run.err()).isZero();
        JsonNode report = run.json();
        assertThat(report.path("identical").asBoolean()).isTrue();
        assertThat(report.path("versions").asLong()).isGreaterThanOrEqualTo(versions);
        assertThat(report.path("weightsDigest").asText()).isEqualTo(head.getRef().getDigest());
        assertThat(report.path("difference").isNull()).isTrue();
    }

    private static long number(VersionRecord version) {
        return version.getRef().getNumber();
    }

    private static FlywheelConfig config() {
        return new ConfigLoader().load(null, Map.of(
                "loop.broker_port", 0,
                "metrics.port", 0,
                "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                "data.free_mib_min", 16,
                // Three people who click a hundred times would be held to their share.
                "loop.guard_profile", "trusted-stream"));
    }

    private static Run replay(Path data, Object... more) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        List<String> words = new ArrayList<>(List.of("replay-lineage", "-o", "json", "--data",
                data.toString(), "--model", BuiltInBase.folder().toString()));
        Stream.of(more).map(String::valueOf).forEach(words::add);
        int code = line.execute(words.toArray(String[]::new));
        return new Run(code, out.toString(), err.toString());
    }
}
