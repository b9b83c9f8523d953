package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of a running {@code up}. */
@Timeout(value = 5, unit = java.util.concurrent.TimeUnit.MINUTES)
class UpTest {
    @TempDir static Path folder;

    private static UpProcess up;

    @BeforeAll
    static void start() throws Exception {
        up = UpProcess.start(folder, """
                server: {port: 0, host: 127.0.0.2}
                loop: {broker_port: 0}
                metrics: {port: 0}
                data: {free_mib_min: 16}
                """, "-o", "json");
        up.awaitOut("}");
    }

    @AfterAll
    static void stop() throws InterruptedException {
        if (up != null) {
            up.close();
        }
    }

    @Test
    void everyPortIsOnLoopbackUntilAnOperatorSaysOtherwise() throws Exception {
        assumeTrue(ListeningSockets.known(), "only Linux tells what a process listens on");

        assertThat(ListeningSockets.of(up.process().pid())).hasSizeGreaterThan(3)
                .allMatch(InetAddress::isLoopbackAddress);
    }

    @Test
    void itPrintsOneJsonObjectOfWhereItListensOnTheHostThatWasAskedFor() throws Exception {
        JsonNode endpoints = new ObjectMapper().readTree(up.out());

        assertThat(endpoints.get("grpc").textValue()).startsWith("127.0.0.2:");
        assertThat(endpoints.get("kafka").textValue()).startsWith("127.0.0.1:");
        assertThat(endpoints.get("metrics").textValue()).endsWith("/metrics");
    }

    @Test
    void theLogIsAFileInTheDataFolderAndStandardErrorStaysQuiet() {
        assertThat(up.data().resolve("log/flywheel.log")).content()
                .contains("INFO")
                .contains("loop job submitted");
        assertThat(up.err()).doesNotContain("INFO").doesNotContain("ERROR");
    }

    @Test
    void nothingOfFlinksStaysInTheMachinesTemporaryFolderWhenTheProcessIsKilled()
            throws Exception {
        try (Stream<Path> files = Files.list(up.temporary())) {
            assertThat(files.filter(Files::isDirectory)).isEmpty();
        }
    }
}
