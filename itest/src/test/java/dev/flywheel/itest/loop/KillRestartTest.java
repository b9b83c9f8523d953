package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.ManagedChannel;
import java.io.IOException;
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

    private final List<UpProcess> processes = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (UpProcess process : processes) {
            process.close();
        }
    }

    @Test
    void whatWasAcknowledgedBeforeAKillIsTrainedOnceAfterwardsAndTheVersionStays()
            throws Exception {
        int port = UpProcess.freePort();
        // Rounds of the first life wait long for company, so that the kill finds feedback that nothing has trained yet.
        UpProcess first = up(port, "5s");
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
            first.close();
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

    private UpProcess up(int port, String linger) throws IOException {
        UpProcess up =
                UpProcess.start(
                        folder,
                        "loop: {broker_port: 0, round_linger: " + linger
                                + "}\nmetrics: {port: 0}\ndata: {free_mib_min: 16}\n",
                        "--port",
                        Integer.toString(port));
        processes.add(up);
        return up;
    }
}
