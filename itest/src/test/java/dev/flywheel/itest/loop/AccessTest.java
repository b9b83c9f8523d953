package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.client.ApiKey;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every method that a running node lists, tried with every credential at both of its ports. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class AccessTest {
    private static final List<String> ROLES = List.of("infer", "feedback", "operate", "admin");
    private static final String OPEN = "open";
    private static final String ALL = String.join(",", ROLES);

    /** What the documentation promises, written down apart from the code. */
    private static final Map<String, String> PROMISED = Map.ofEntries(
            Map.entry("grpc.health.v1.Health/", OPEN),
            Map.entry("grpc.reflection.v1.ServerReflection/", ALL),
            Map.entry("inference.GRPCInferenceService/ServerLive", OPEN),
            Map.entry("inference.GRPCInferenceService/ServerReady", OPEN),
            Map.entry("inference.GRPCInferenceService/ModelInfer", "infer"),
            Map.entry("inference.GRPCInferenceService/", "infer,operate"),
            Map.entry("flywheel.v1.Inference/", "infer"),
            Map.entry("flywheel.v1.Feedback/", "feedback"),
            Map.entry("flywheel.v1.Registry/", "operate"),
            Map.entry("flywheel.v1.Registry/DeleteAdapter", "admin"),
            Map.entry("flywheel.v1.Registry/Forget", "admin"));

    @TempDir static Path folder;

    private static LocalLoop node;

    @BeforeAll
    static void start() throws IOException {
        Path keys = folder.resolve("keys");
        StringBuilder lines = new StringBuilder();
        ROLES.forEach(role -> lines.append("name=%s roles=%s sha256=%s%n".formatted(role, role,
                KeyRing.digestOf("key-of-" + role))));
        lines.append("name=old roles=%s sha256=%s expires=2020-01-01T00:00:00Z%n".formatted(ALL,
                KeyRing.digestOf("key-of-old")));
        Files.writeString(keys, lines);
        FlywheelConfig config = new ConfigLoader().load(null, Map.of(
                "loop.broker_port", 0,
                "metrics.port", 0,
                "server.port", 0,
                "server.admin_port", 0, "server.http_port", 0,
                "access.keys_file", keys.toString(),
                "access.keys_check", "50ms",
                "data.free_mib_min", 16));
        node = LocalLoop.start(config, folder.resolve("data"), BuiltInBase.folder());
        node.createAdapterOfSettings();
    }

    @AfterAll
    static void stop() {
        if (node != null) {
            node.close();
        }
    }

    @Test
    void everyMethodAtThePublicPortLetsInItsRolesAlone() throws Exception {
        Set<String> methods = methods(node.channel());

        assertThat(methods).hasSizeGreaterThan(30);
        assertThat(tried(node.channel(), methods))
                .isEqualTo(expected(methods, false));
    }

    @Test
    void everyMethodAtTheAdminPortLetsInItsRolesAlone() throws Exception {
        Set<String> methods = methods(node.adminChannel());

        assertThat(methods).contains("flywheel.v1.Registry/Forget")
                .noneMatch(method -> method.startsWith("flywheel.v1.Inference"));
        assertThat(tried(node.adminChannel(), methods))
                .isEqualTo(expected(methods, true));
    }

    @Test
    void theConsolesFiguresAreForKeysThatMayOperateAndThePageForAll() throws Exception {
        Map<String, Integer> statuses = new TreeMap<>();
        for (String key : List.of("", "key-of-infer", "key-of-feedback", "key-of-operate",
                "key-of-admin", "key-of-old", "made up")) {
            statuses.put(key, status("console/adapters.json", key));
        }

        assertThat(statuses).isEqualTo(Map.of("", 401, "key-of-infer", 403, "key-of-feedback", 403,
                "key-of-operate", 200, "key-of-admin", 403, "key-of-old", 401, "made up", 401));
        assertThat(status("", "")).isEqualTo(200);
    }

    private static int status(String path, String key) throws IOException {
        HttpURLConnection asked = (HttpURLConnection) URI.create(node.endpoints().console() + path)
                .toURL()
                .openConnection();
        if (!key.isEmpty()) {
            asked.setRequestProperty("Authorization", "Bearer " + key);
        }
        return asked.getResponseCode();
    }

    @Test
    void aKeyThatIsTakenOutOfTheFileIsSoonWorthNothing() throws Exception {
        Path keys = folder.resolve("keys");
        String before = Files.readString(keys);
        String method = "flywheel.v1.Registry/ListAdapters";
        try {
            Files.writeString(keys, "name=x roles=infer sha256=" + KeyRing.digestOf("x") + "\n");
            while (code(node.adminChannel(), method, "key-of-operate") == Status.Code.OK) {
                Thread.onSpinWait();
            }

            assertThat(code(node.adminChannel(), method, "key-of-operate"))
                    .isEqualTo(Status.Code.UNAUTHENTICATED);
        } finally {
            Files.writeString(keys, before);
            while (code(node.adminChannel(), method, "key-of-operate") != Status.Code.OK) {
                Thread.onSpinWait();
            }
        }
    }

    /** Returns for each method and credential whether the call came through. */
    private static Map<String, String> tried(Channel channel, Set<String> methods)
            throws Exception {
        Map<String, String> outcomes = new TreeMap<>();
        for (String method : methods) {
            List<String> allowed = new ArrayList<>();
            for (String role : ROLES) {
                if (passes(code(channel, method, "key-of-" + role))) {
                    allowed.add(role);
                }
            }
            for (String bad : List.of("", "wrong", "key-of-old")) {
                if (code(channel, method, bad) != Status.Code.UNAUTHENTICATED) {
                    allowed.add("'" + bad + "'");
                }
            }
            outcomes.put(method, String.join(",", allowed));
        }
        return outcomes;
    }

    private static boolean passes(Status.Code code) {
        return code != Status.Code.UNAUTHENTICATED && code != Status.Code.PERMISSION_DENIED;
    }

    private static Map<String, String> expected(Set<String> methods, boolean adminPort) {
        Map<String, String> expected = new TreeMap<>();
        for (String method : methods) {
            String service = method.substring(0, method.indexOf('/') + 1);
            String roles = PROMISED.getOrDefault(method, PROMISED.getOrDefault(service, "none"));
            if (roles.equals("admin") && !adminPort) {
                roles = "";
            }
            expected.put(method, roles.equals(OPEN) ? ALL + ",'','wrong','key-of-old'" : roles);
        }
        return expected;
    }

    /** Sends one empty message; returns how the call ended, OK as soon as something comes back. */
    private static Status.Code code(Channel channel, String method, String key)
            throws Exception {
        MethodDescriptor<byte[], byte[]> descriptor = MethodDescriptor
                .newBuilder(Bytes.ONLY, Bytes.ONLY)
                .setFullMethodName(method)
                .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                .build();
        ClientCall<byte[], byte[]> call = ClientInterceptors
                .intercept(channel, ApiKey.shown(key))
                .newCall(descriptor, CallOptions.DEFAULT);
        CompletableFuture<Status.Code> ended = new CompletableFuture<>();
        call.start(new ClientCall.Listener<>() {
            @Override
            public void onMessage(byte[] message) {
                ended.complete(Status.Code.OK);
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
                ended.complete(status.getCode());
            }
        }, new Metadata());
        call.request(1);
        call.sendMessage(new byte[0]);
        call.halfClose();
        Status.Code code = ended.get(30, TimeUnit.SECONDS);
        call.cancel("seen enough", null);
        return code;
    }

    /** Returns what server reflection lists, as {@code package.Service/Method}. */
    private static Set<String> methods(Channel channel) throws Exception {
        Channel shown = ClientInterceptors.intercept(channel, ApiKey.shown("key-of-infer"));
        Set<String> methods = new TreeSet<>();
        ServerReflectionResponse services = reflect(shown,
                ServerReflectionRequest.newBuilder().setListServices("").build());
        for (var service : services.getListServicesResponse().getServiceList()) {
            ServerReflectionResponse files = reflect(shown, ServerReflectionRequest.newBuilder()
                    .setFileContainingSymbol(service.getName())
                    .build());
            for (var bytes : files.getFileDescriptorResponse().getFileDescriptorProtoList()) {
                add(methods, FileDescriptorProto.parseFrom(bytes), service.getName());
            }
        }
        return methods;
    }

    private static void add(Set<String> methods, FileDescriptorProto file, String service)
            throws InvalidProtocolBufferException {
        file.getServiceList()
                .stream()
                .filter(each -> service.equals(file.getPackage() + "." + each.getName()))
                .forEach(each -> each.getMethodList()
                        .forEach(method -> methods.add(service + "/" + method.getName())));
    }

    private static ServerReflectionResponse reflect(Channel channel,
            ServerReflectionRequest request) throws Exception {
        CompletableFuture<ServerReflectionResponse> answer = new CompletableFuture<>();
        StreamObserver<ServerReflectionRequest> requests = ServerReflectionGrpc.newStub(channel)
                .serverReflectionInfo(new StreamObserver<>() {
                    @Override
                    public void onNext(ServerReflectionResponse value) {
                        answer.complete(value);
                    }

                    @Override
                    public void onError(Throwable failure) {
                        answer.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {}
                });
        requests.onNext(request);
        requests.onCompleted();
        return answer.get(30, TimeUnit.SECONDS);
    }

    /** Messages as they are on the wire. */
    private enum Bytes implements MethodDescriptor.Marshaller<byte[]> {
        ONLY;

        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
