package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.serving.harness.Errors;
import dev.flywheel.serving.harness.Node;
import dev.flywheel.serving.settings.ServingSettings;
import dev.flywheel.serving.settings.TransportSettings;
import io.grpc.ConnectivityState;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ConnectionTest {
    private static final int MAX = 4;

    @TempDir private Path folder;
    private Node node;

    @AfterEach
    void stop() throws Exception {
        node.close();
    }

    @Test
    void connectionsBeyondTheLimitAreClosedAndThoseInsideAreServedOn() throws Exception {
        start(MAX, Duration.ofMinutes(5));
        ask();
        double own = open();
        List<Socket> idle = new ArrayList<>();
        try {
            for (int i = 0; i < 3 * MAX; i++) {
                idle.add(connect());
            }
            Node.until("what is too much was closed", () -> refused() == 3 * MAX - (MAX - own));
            assertThat(open()).isEqualTo(MAX);
            assertThat(closedOnes(idle)).isEqualTo((int) refused());
            ask();
        } finally {
            for (Socket each : idle) {
                each.close();
            }
        }
        Node.until("there is room again", () -> open() == own);
        try (Socket again = connect()) {
            Node.until("it is taken", () -> open() == own + 1);
            assertThat(again.isConnected()).isTrue();
        }
    }

    @Test
    void aConnectionWithoutCallsIsEndedAndItsClientComesBack() throws Exception {
        start(MAX, Duration.ofMillis(200));
        ask();
        Node.until("the client was sent away",
                () -> node.channel.getState(false) == ConnectivityState.IDLE);
        ask();
    }

    @Test
    void headersThatAreTooLargeAreRefusedWithTheLimit() throws Exception {
        start(MAX, Duration.ofMinutes(5));
        StatusRuntimeException refused = askWithHeader(64 << 10);
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(refused.getStatus().getDescription())
                .contains("at most 8192", "server.metadata_bytes_max");
        assertThat(askWithHeader(1 << 20).getStatus().getCode()).isNotEqualTo(Status.Code.OK);
        ask();
    }

    private void start(int connections, Duration idle) throws Exception {
        node = new Node(folder, settings -> with(settings, connections, idle)).ready();
    }

    private static ServingSettings with(ServingSettings settings, int connections,
            Duration idle) {
        TransportSettings old = settings.transport();
        TransportSettings transport = new TransportSettings(old.host(), old.port(),
                old.adminPort(), old.tls(), old.http(), old.messageBytesMax(),
                old.metadataBytesMax(), connections, idle, old.callsPerConnectionMax(),
                old.resetsPerWindowMax(), old.resetWindow(), old.keepAliveMin(),
                old.drainTimeout(), old.reflection());
        return new ServingSettings(settings.nodeId(), settings.device(), settings.swaps(),
                settings.requests(), settings.rank(), transport, settings.access(),
                settings.tokenLifetime(), settings.feedbackBytesMax());
    }

    private void ask() {
        node.inference()
                .generate(GenerateRequest.newBuilder().setPrompt("a").setMaxTokens(2).build())
                .forEachRemaining(reply -> {});
    }

    private StatusRuntimeException askWithHeader(int bytes) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("x-large", Metadata.ASCII_STRING_MARSHALLER),
                "x".repeat(bytes));
        return Errors.of(() -> node.inference()
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .generate(GenerateRequest.newBuilder().setPrompt("a").build())
                .forEachRemaining(reply -> {}));
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), node.serving.port());
    }

    /** A client that reads nothing learns of the end by the end of the stream, or by a reset. */
    private static int closedOnes(List<Socket> sockets) throws IOException {
        int closed = 0;
        for (Socket each : sockets) {
            each.setSoTimeout(200);
            try {
                closed += readsEnd(each) ? 1 : 0;
            } catch (java.net.SocketTimeoutException open) {
                assertThat(each.isClosed()).isFalse();
            }
        }
        return closed;
    }

    private static boolean readsEnd(Socket socket) throws IOException {
        try {
            int read = socket.getInputStream().read();
            while (read >= 0) {
                read = socket.getInputStream().read();
            }
            return true;
        } catch (java.net.SocketException reset) {
            return true;
        }
    }

    private double open() {
        return node.meters.get("flywheel.serving.connections").gauge().value();
    }

    private double refused() {
        return node.meters.get("flywheel.serving.connections.refused").counter().count();
    }
}
