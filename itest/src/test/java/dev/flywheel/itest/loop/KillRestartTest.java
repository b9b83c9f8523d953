package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code up}, killed without warning and started again. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class KillRestartTest {
    private static final String ADAPTER = "default/main";

    @TempDir Path folder;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void whatWasAcknowledgedBeforeAKillIsTrainedOnceAfterwardsAndTheVersionStays()
            throws Exception {
        int port = freePort();
        // Rounds of the first life wait long for company, so that the kill finds feedback that nothing has trained yet.
        Process first = up(port, "5s");
        Set<String> ids = new HashSet<>();
        VersionRef before;
        ManagedChannel channel = LoopClient.connect(port);
        try {
            LoopClient client = new LoopClient(channel, ADAPTER);
            client.awaitAnswers();
            clicks(client, "early", 3, ids);
            client.awaitTrained(ids);
            LoopClient.await("a learned version serves",
                    () -> client.rank("u").getVersion().getNumber() > 0);
            clicks(client, "late", 3, ids);
            before = client.rank("u").getVersion();
            assertThat(client.trained()).as("trained at the kill")
                    .doesNotContainAnyElementsOf(
                            Set.of("late-0", "late-1", "late-2"));
            first.destroyForcibly().waitFor();
        } finally {
            channel.shutdownNow();
        }

        up(port, "20ms");
        ManagedChannel again = LoopClient.connect(port);
        try {
            LoopClient client = new LoopClient(again, ADAPTER);
            client.awaitAnswers();
            assertThat(client.record(before.getNumber())).isEqualTo(before);
            VersionRef served = client.rank("u").getVersion();
            assertThat(served.getNumber()).isGreaterThanOrEqualTo(before.getNumber());
            assertThat(client.record(served.getNumber())).isEqualTo(served);
            // What is said now stands behind all that the topic repeats: once it is trained, a second time would show.
            clicks(client, "after", 3, ids);
            client.awaitTrained(ids);
            assertThat(client.trained()).doesNotHaveDuplicates().containsAll(ids);
        } finally {
            again.shutdownNow();
        }
    }

    private static void clicks(LoopClient client, String prefix, int count, Set<String> ids) {
        for (int i = 0; i < count; i++) {
            String user = prefix + i;
            RankReply reply = client.rank(user);
            client.click(reply, user, prefix + "-" + i);
            ids.add(prefix + "-" + i);
        }
    }

    /** Starts the command as the launcher does, in a process of its own. */
    private Process up(int port, String linger) throws IOException {
        Path config =
                Files.writeString(
                        folder.resolve("flywheel.yaml"),
                        "loop: {broker_port: 0, round_linger: " + linger
                                + "}\nmetrics: {port: 0}\ndata: {free_mib_min: 16}\n");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--add-modules=jdk.incubator.vector",
                        "-XX:+UseSerialGC",
                        "-Xmx1g",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.flywheel.app.FlywheelCommand",
                        "up",
                        "--data",
                        folder.resolve("data").toString(),
                        "--model",
                        BuiltInBase.folder().toString(),
                        "--config",
                        config.toString(),
                        "--port",
                        Integer.toString(port)));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("RUST_FLAVOR", "cpu");
        builder.redirectErrorStream(true).redirectOutput(folder.resolve("up.log").toFile());
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
