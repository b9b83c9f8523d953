package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.Thumb;
import dev.flywheel.app.FlywheelCommand;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
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
                server: {port: 0, admin_port: 0, http_port: 0, host: 127.0.0.2}
                loop: {broker_port: 0}
                metrics: {port: 0}
                audit: {interval: 500ms}
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
    void aClientOfOpenAisGetsWhatGrpcAnswersAndItsFeedbackIsTaken() throws Exception {
        JsonNode endpoints = new ObjectMapper().readTree(up.out());
        JsonNode answer = completion(endpoints.get("http").textValue());
        ManagedChannel channel = Grpc.newChannelBuilder(endpoints.get("grpc").textValue(),
                InsecureChannelCredentials.create()).build();
        try {
            StringBuilder text = new StringBuilder();
            InferenceGrpc.newBlockingStub(channel)
                    .generate(GenerateRequest.newBuilder()
                            .setScope(RequestScope.newBuilder().setAdapter("default/main"))
                            .setPrompt("The art")
                            .setMaxTokens(8)
                            .build())
                    .forEachRemaining(reply -> text.append(reply.getText()));
            assertThat(answer.at("/choices/0/text").textValue()).isEqualTo(text.toString());
            assertThat(FeedbackGrpc.newBlockingStub(channel)
                    .send(SendFeedbackRequest.newBuilder()
                            .setFeedbackToken(answer.at("/flywheel/feedback_token").textValue())
                            .setFeedbackId("from-http")
                            .setUser("u-1")
                            .setSignal(Signal.newBuilder().setThumb(Thumb.newBuilder().setUp(true)))
                            .build()))
                    .isNotNull();
        } finally {
            channel.shutdownNow();
        }
    }

    private static JsonNode completion(String address) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return new ObjectMapper().readTree(client.send(
                    HttpRequest.newBuilder(URI.create("http://" + address + "/v1/completions"))
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString("""
                                    {"model": "default/main", "prompt": "The art", "user": "u-1",
                                     "max_tokens": 8, "temperature": 0, "consent": "train"}"""))
                            .build(),
                    HttpResponse.BodyHandlers.ofString()).body());
        }
    }

    /** P3, of a node in a process of its own. */
    @Test
    void itsAuditBalancesFromOutsideAndIsAmongItsMetrics() throws Exception {
        JsonNode endpoints = new ObjectMapper().readTree(up.out());
        ManagedChannel channel = Grpc.newChannelBuilder(endpoints.get("grpc").textValue(),
                InsecureChannelCredentials.create()).build();
        try {
            LoopClient client = new LoopClient(channel, "default/main");
            client.click(client.rank("u"), "u", "audited");
            client.awaitTrained(Set.of("audited"));
        } finally {
            channel.shutdownNow();
        }
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said, true);
        int code = FlywheelCommand.commandLine()
                .setOut(out)
                .setErr(out)
                .execute("audit", "-o", "json", "--wait", "60s", "--node",
                        endpoints.get("grpc").textValue(), "--brokers",
                        endpoints.get("kafka").textValue(), "--metrics",
                        endpoints.get("metrics").textValue());

        assertThat(code).as("%s", said).isZero();
        JsonNode told = new ObjectMapper().readTree(said.toString());
        assertThat(told.get("acknowledged").asLong()).isEqualTo(1);
        assertThat(told.get("trained").asLong()).isEqualTo(1);
        assertThat(told.get("pending").get("total").asLong()).isZero();
        LoopClient.await("the running audit says the same",
                () -> scraped(endpoints).contains("flywheel_audit_events{term=\"trained\"} 1.0"));
        assertThat(scraped(endpoints)).contains("flywheel_audit_difference 0.0");
    }

    private static String scraped(JsonNode endpoints) {
        URI metrics = URI.create(endpoints.get("metrics").textValue());
        try (InputStream body = metrics.toURL().openStream()) {
            return new String(body.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
