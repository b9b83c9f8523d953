package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.ErrorInfo;
import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.access.Role;
import dev.flywheel.api.client.ApiKey;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.serving.harness.Errors;
import dev.flywheel.serving.harness.Node;
import dev.flywheel.serving.settings.AccessSettings;
import dev.flywheel.serving.settings.ServingSettings;
import dev.flywheel.serving.settings.TlsFiles;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.testing.TlsTesting;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What keys and certificates open. The certificates are those that gRPC's own tests use. */
@Timeout(120)
class CredentialTest {
    private static final RankRequest RANK = RankRequest.newBuilder()
            .setScope(RequestScope.newBuilder().setUser("u"))
            .setContext("c")
            .addCandidates(Candidate.newBuilder().setId("a").setText("t"))
            .build();

    @TempDir private Path folder;

    private static UnaryOperator<ServingSettings> access(String keys, Set<Role> local,
            Optional<TlsFiles> tls) {
        KeyRing ring = KeyRing.read(keys);
        return settings -> new ServingSettings(settings.nodeId(), settings.device(),
                settings.swaps(), settings.requests(), settings.rank(),
                tls.map(settings.transport()::withTls).orElse(settings.transport()),
                new AccessSettings(() -> ring, local), settings.tokenLifetime(),
                settings.feedbackBytesMax());
    }

    private static String key(String name, String more) {
        return "name=%s roles=infer,feedback sha256=%s %s%n".formatted(name,
                KeyRing.digestOf(name), more);
    }

    private static Channel showing(Channel channel, String key) {
        return ClientInterceptors.intercept(channel, ApiKey.shown(key));
    }

    private static RankReply rank(Channel channel, String tenant) {
        RankRequest.Builder request = RANK.toBuilder();
        request.getScopeBuilder().setTenant(tenant);
        return InferenceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .rank(request.build());
    }

    private static Status.Code refused(Channel channel, String tenant) {
        StatusRuntimeException refused = Errors.of(() -> rank(channel, tenant));
        assertThat(Errors.detail(refused, ErrorInfo.class).getReason()).isEqualTo("AUTH");
        return refused.getStatus().getCode();
    }

    @Test
    void aKeyForOneTenantOpensNoOther() throws Exception {
        String keys = key("news", "tenants=news") + key("all", "");
        try (Node node = new Node(folder, access(keys, Set.of(), Optional.empty())).ready()) {
            Channel news = showing(node.channel, "news");
            Channel all = showing(node.channel, "all");

            assertThat(rank(news, "news").getItemsCount()).isOne();
            assertThat(rank(all, "shop").getItemsCount()).isOne();
            assertThat(refused(news, "shop")).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(refused(news, "")).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(refused(node.channel, "news")).isEqualTo(Status.Code.UNAUTHENTICATED);
        }
    }

    @Test
    void feedbackOnAnotherTenantsAnswerIsRefused() throws Exception {
        String keys = key("news", "tenants=news") + key("shop", "tenants=shop");
        try (Node node = new Node(folder, access(keys, Set.of(), Optional.empty())).ready()) {
            SendFeedbackRequest click = SendFeedbackRequest.newBuilder()
                    .setFeedbackToken(rank(showing(node.channel, "news"), "news")
                            .getFeedbackToken())
                    .setFeedbackId("f")
                    .setUser("u")
                    .setSignal(Signal.newBuilder()
                            .setClick(dev.flywheel.api.v1.Click.newBuilder()))
                    .build();

            StatusRuntimeException refused = Errors.of(() -> FeedbackGrpc
                    .newBlockingStub(showing(node.channel, "shop"))
                    .send(click));

            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(node.feedback).isEmpty();
        }
    }

    @Test
    void callersOnThisMachineHaveTheRolesLeftToThem() throws Exception {
        try (Node node =
                new Node(folder, access("", Set.of(Role.FEEDBACK), Optional.empty())).ready()) {
            assertThat(refused(node.channel, "")).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(refused(showing(node.channel, "guess"), ""))
                    .isEqualTo(Status.Code.UNAUTHENTICATED);
        }
    }

    @Test
    void aCertificateOfAnAuthorityThatTheNodeTrustsNeedsNoKey() throws Exception {
        String keys = "name=client roles=infer certificate=testclient";
        TlsFiles files = new TlsFiles(file("server1.pem"), file("server1.key"),
                Optional.of(file("ca.pem")));
        try (Node node = new Node(folder, access(keys, Set.of(), Optional.of(files))).ready()) {
            ManagedChannel certified = encrypted(node, TlsChannelCredentials.newBuilder()
                    .trustManager(certificate("ca.pem"))
                    .keyManager(certificate("client.pem"), certificate("client.key"))
                    .build());
            ManagedChannel anonymous = encrypted(node, TlsChannelCredentials.newBuilder()
                    .trustManager(certificate("ca.pem"))
                    .build());

            assertThat(rank(certified, "").getItemsCount()).isOne();
            assertThat(refused(anonymous, "")).isEqualTo(Status.Code.UNAUTHENTICATED);
            assertThat(Errors.of(() -> rank(node.channel, "")).getStatus().getCode())
                    .isEqualTo(Status.Code.UNAVAILABLE);
            certified.shutdownNow();
            anonymous.shutdownNow();
        }
    }

    @Test
    void aCertificateThatNobodyTrustsOpensNothing() throws Exception {
        String keys = "name=client roles=infer certificate=testclient";
        TlsFiles files = new TlsFiles(file("server1.pem"), file("server1.key"),
                Optional.of(file("ca.pem")));
        try (Node node = new Node(folder, access(keys, Set.of(), Optional.of(files))).ready()) {
            ManagedChannel forged = encrypted(node, TlsChannelCredentials.newBuilder()
                    .trustManager(certificate("ca.pem"))
                    .keyManager(certificate("badclient.pem"), certificate("badclient.key"))
                    .build());

            assertThat(Errors.of(() -> rank(forged, "")).getStatus().getCode())
                    .isIn(Status.Code.UNAVAILABLE, Status.Code.UNAUTHENTICATED);
            forged.shutdownNow();
        }
    }

    private static ManagedChannel encrypted(Node node, ChannelCredentials credentials) {
        return Grpc.newChannelBuilder("localhost:" + node.serving.port(), credentials)
                .overrideAuthority("foo.test.google.fr")
                .build();
    }

    private static InputStream certificate(String name) {
        return TlsTesting.loadCert(name);
    }

    private Path file(String name) throws IOException {
        try (InputStream in = certificate(name)) {
            Path file = Files.createDirectories(folder.resolve("tls")).resolve(name);
            Files.write(file, in.readAllBytes());
            return file;
        }
    }
}
