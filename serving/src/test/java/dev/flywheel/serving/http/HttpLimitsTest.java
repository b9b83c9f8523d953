package dev.flywheel.serving.http;

import static dev.flywheel.serving.http.HttpClientOf.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.access.Role;
import dev.flywheel.serving.harness.Node;
import dev.flywheel.serving.settings.AccessSettings;
import dev.flywheel.serving.settings.HttpSettings;
import dev.flywheel.serving.settings.RequestSettings;
import dev.flywheel.serving.settings.ServingSettings;
import dev.flywheel.serving.settings.TlsFiles;
import dev.flywheel.serving.settings.TransportSettings;
import io.grpc.testing.TlsTesting;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class HttpLimitsTest {
    private static final String PATH = "/v1/completions";
    private static final String SHORT = "{\"model\":\"base\",\"prompt\":\"a\",\"max_tokens\":2}";
    /** An answer of 400 tokens: this prompt meets no end-of-text. */
    private static final String ENDLESS = "{\"model\":\"base\",\"prompt\":\"on and on\","
            + "\"temperature\":0,\"max_tokens\":400,\"stream\":%s}";

    @TempDir private Path folder;
    private Node node;
    private HttpClientOf client;
    private TransportSettings transport = Node.SETTINGS.transport();
    private RequestSettings requests = Node.SETTINGS.requests();
    private AccessSettings access = Node.SETTINGS.access();

    @AfterEach
    void stop() throws Exception {
        if (node != null) {
            untilIdle();
            node.close();
        }
    }

    private void start() throws Exception {
        node = new Node(folder, settings -> new ServingSettings(settings.nodeId(),
                settings.device(), settings.swaps(), requests, settings.rank(), transport, access,
                settings.tokenLifetime(), settings.feedbackBytesMax())).ready();
        client = HttpClientOf.port(node.serving.httpPort());
    }

    private void untilIdle() throws InterruptedException {
        Node.until("all blocks are free and no lease is open",
                () -> node.serving.freeBlocks() == Node.DEVICE.kvBlocks()
                        && node.serving.leases() == 0 && gauge("serving.streams") == 0
                        && gauge("requests.running") == 0);
    }

    private double gauge(String name) {
        return node.meters.get("flywheel." + name).gauge().value();
    }

    private Socket raw() throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(2048);
        socket.connect(new InetSocketAddress("127.0.0.1", node.serving.httpPort()));
        socket.setSoTimeout(30_000);
        return socket;
    }

    private static void send(Socket socket, String head, String body) throws IOException {
        socket.getOutputStream()
                .write((head + "\r\nHost: a\r\nContent-Type: application/json\r\n"
                        + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.UTF_8));
    }

    private static void keys(AccessSettings[] out, String text, Set<Role> local) {
        KeyRing ring = KeyRing.read(text);
        out[0] = new AccessSettings(() -> ring, local);
    }

    @Test
    void aClientWhoLeavesCancelsItsRequest() throws Exception {
        start();
        for (String stream : new String[] {"true", "false"}) {
            double before = cancelled();
            // On a busy machine an answer may be complete before its reader can leave.
            while (cancelled() == before) {
                leave(stream);
                untilIdle();
            }
        }
    }

    private void leave(String stream) throws Exception {
        double steps = node.count("flywheel.serving.steps");
        try (Socket socket = raw()) {
            send(socket, "POST " + PATH + " HTTP/1.1", ENDLESS.formatted(stream));
            Node.until("the answer is on its way",
                    () -> node.count("flywheel.serving.steps") > steps);
        }
    }

    private double cancelled() {
        return node.count("flywheel.serving.calls", "method", "Completions", "code",
                "CANCELLED");
    }

    @Test
    void aClientWhoDoesNotReadIsCutOff() throws Exception {
        RequestSettings r = requests;
        requests = new RequestSettings(r.waitingMax(), r.perTenantMax(), r.runningMax(),
                r.tokensWaitingMax(), r.queueTimeMax(), r.deadline(), r.deadlineMax(),
                r.candidatesMax(),
                r.continuationsMax(), r.tokensMax(), r.tokensDefault(), r.textCharsMax(),
                Duration.ofMillis(300));
        start();
        try (Socket socket = raw()) {
            // With what each token might have been, an answer is longer than what the system holds of it.
            send(socket, "POST " + PATH + " HTTP/1.1",
                    ENDLESS.formatted("true,\"logprobs\":20"));
            Node.until("the stream is ended", () -> node.count("flywheel.serving.calls",
                    "method", "Completions", "code", "DEADLINE_EXCEEDED") == 1);
            Node.until("the connection is closed", () -> gauge("serving.http.connections") == 0);
        }
        assertThat(node.impressions).isEmpty();
    }

    @Test
    void bodiesAndHeadersHaveALimit() throws Exception {
        start();
        HttpResponse<String> large = client.post(PATH, "a".repeat(transport.messageBytesMax() + 1));
        assertThat(large.statusCode()).isEqualTo(413);
        assertThat(json(large).at("/error/message").textValue())
                .contains("server.message_bytes_max");
        HttpResponse<String> headers = client.send(client.request("/v1/models")
                .header("a", "a".repeat(transport.metadataBytesMax())));
        assertThat(headers.statusCode()).isEqualTo(431);
        HttpResponse<String> form = client.send(client.request(PATH)
                .header("Content-Type", "text/plain")
                .POST(java.net.http.HttpRequest.BodyPublishers.ofString(SHORT)));
        assertThat(form.statusCode()).isEqualTo(415);
    }

    @Test
    void connectionsAreCountedAndIdleOnesClosed() throws Exception {
        transport = transport.withHttp(
                new HttpSettings(0, 1, Duration.ofMillis(200), Duration.ofMillis(200)));
        start();
        try (Socket idle = raw()) {
            Node.until("it is in", () -> gauge("serving.http.connections") == 1);
            try (Socket second = raw()) {
                assertThat(ended(second)).isTrue();
            }
            assertThat(ended(idle)).isTrue();
        }
        Node.until("it is out", () -> gauge("serving.http.connections") == 0);
        try (Socket slow = raw()) {
            slow.getOutputStream()
                    .write("POST /v1/completions HTTP/1.1\r\nHost: a\r\n"
                            .getBytes(StandardCharsets.UTF_8));
            assertThat(ended(slow)).isTrue();
        }
    }

    /** The other side has closed, in whichever way. */
    private static boolean ended(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (IOException reset) {
            return !(reset instanceof java.net.SocketTimeoutException);
        }
    }

    @Test
    void aKeyOpensItsTenantAlone() throws Exception {
        AccessSettings[] made = new AccessSettings[1];
        keys(made, "name=n roles=infer tenants=news sha256=%s%nname=f roles=feedback sha256=%s"
                .formatted(KeyRing.digestOf("news"), KeyRing.digestOf("feed")), Set.of());
        access = made[0];
        start();
        node.publisher.create("shop/main", "shop");
        HttpClientOf news = client.showing("news");
        assertThat(news.post(PATH, SHORT).statusCode()).isEqualTo(200);
        assertThat(node.impressions.getLast().getTenant()).isEqualTo("news");
        assertThat(news.send(news.request("/v1/models").header("flywheel-tenant", "shop"))
                .statusCode()).isEqualTo(403);
        assertThat(news.get("/v1/models").body()).doesNotContain("shop");
        assertThat(news.post(PATH, SHORT.replace("base", "shop/main")).statusCode())
                .isEqualTo(404);
        assertThat(client.showing("feed").post(PATH, SHORT).statusCode()).isEqualTo(403);
        HttpResponse<String> wrong = client.showing("guess").post(PATH, SHORT);
        assertThat(wrong.statusCode()).isEqualTo(401);
        assertThat(json(wrong).at("/error/code").textValue()).isEqualTo("invalid_api_key");
        assertThat(client.post(PATH, SHORT).statusCode()).isEqualTo(401);
    }

    @Test
    void aPageInABrowserIsNotThisMachinesCaller() throws Exception {
        start();
        assertThat(client.get("/v1/models").statusCode()).isEqualTo(200);
        assertThat(client.send(client.request("/v1/models").header("Sec-Fetch-Site", "cross-site"))
                .statusCode()).isEqualTo(401);
    }

    @Test
    void aTenantsQuotaIsToldWithATimeToComeBack() throws Exception {
        RequestSettings r = requests;
        requests =
                new RequestSettings(1, 1, 1, r.tokensWaitingMax(), r.queueTimeMax(), r.deadline(),
                        r.deadlineMax(), r.candidatesMax(), r.continuationsMax(), r.tokensMax(),
                        r.tokensDefault(), r.textCharsMax(), r.stallTimeout());
        start();
        try (Socket first = raw()) {
            send(first, "POST " + PATH + " HTTP/1.1", ENDLESS.formatted("true"));
            Node.until("it runs", () -> node.serving.freeBlocks() < Node.DEVICE.kvBlocks());
            HttpResponse<String> refused = client.post(PATH, ENDLESS.formatted("false"));
            assertThat(refused.statusCode()).isEqualTo(429);
            assertThat(refused.headers().firstValueAsLong("retry-after").orElse(0)).isPositive();
        }
    }

    @Test
    void aDeadlineIsToldAsSuch() throws Exception {
        RequestSettings r = requests;
        requests = new RequestSettings(r.waitingMax(), r.perTenantMax(), r.runningMax(),
                r.tokensWaitingMax(), r.queueTimeMax(), Duration.ofMillis(2), r.deadlineMax(),
                r.candidatesMax(),
                r.continuationsMax(), r.tokensMax(), r.tokensDefault(), r.textCharsMax(),
                r.stallTimeout());
        start();
        assertThat(client.post(PATH, ENDLESS.formatted("false")).statusCode()).isEqualTo(504);
    }

    @Test
    void aStopLetsTheAnswerFinishAndTakesNoOther() throws Exception {
        start();
        CompletableFuture<HttpResponse<String>> running = client.client()
                .sendAsync(
                        client.request(PATH)
                                .header("Content-Type", "application/json")
                                .POST(java.net.http.HttpRequest.BodyPublishers
                                        .ofString(ENDLESS.formatted("true")))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        Node.until("it runs", () -> node.serving.freeBlocks() < Node.DEVICE.kvBlocks());
        node.serving.close();
        assertThat(running.get(30, TimeUnit.SECONDS).body()).contains("[DONE]");
        assertThat(raised(() -> client.get("/v1/models"))).isInstanceOf(IOException.class);
        node.closeAllButServing();
        node = null;
    }

    private static Throwable raised(java.util.concurrent.Callable<?> call) {
        try {
            call.call();
            return new AssertionError("was answered");
        } catch (Exception e) {
            return e;
        }
    }

    @Test
    void thePortCanBeSwitchedOff() throws Exception {
        transport = transport.withHttp(new HttpSettings(HttpSettings.OFF, 1, Duration.ofSeconds(1),
                Duration.ofSeconds(1)));
        start();
        assertThat(node.serving.httpPort()).isEqualTo(HttpSettings.OFF);
    }

    @Test
    void theSameCertificateEncryptsIt() throws Exception {
        transport = transport.withTls(
                new TlsFiles(file("server1.pem"), file("server1.key"), Optional.empty()));
        start();
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        try (InputStream in = TlsTesting.loadCert("ca.pem")) {
            store.setCertificateEntry("ca",
                    CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        try (Socket plain = raw();
                SSLSocket socket = (SSLSocket) context.getSocketFactory()
                        .createSocket(plain,
                                "foo.test.google.fr", node.serving.httpPort(), true)) {
            send(socket, "GET /v1/models HTTP/1.1\r\nConnection: close", "");
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 200")
                    .contains("\"id\":\"base\"");
        }
    }

    private Path file(String name) throws IOException {
        try (InputStream in = TlsTesting.loadCert(name)) {
            Path file = Files.createDirectories(folder.resolve("tls")).resolve(name);
            Files.write(file, in.readAllBytes());
            return file;
        }
    }
}
