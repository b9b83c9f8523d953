package dev.flywheel.serving.rpc;

import dev.flywheel.api.access.AccessGate;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.settings.AccessSettings;
import dev.flywheel.serving.settings.TlsFiles;
import dev.flywheel.serving.settings.TransportSettings;
import io.grpc.BindableService;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.TlsServerCredentials.ClientAuth;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The two ports: the public one with all services, and that of administration, on loopback alone. Limits, access, health and
 * reflection are the same at both.
 *
 * <p>Health begins as NOT_SERVING, for the node and for each service, until {@link #serving} is called, and
 * ends as NOT_SERVING for good once {@link #drain} is.
 */
final class GrpcFace implements AutoCloseable {
    /** Tells of each message that is too large, with a stack trace. Held, for a logger that nobody holds forgets its level. */
    private static final Logger STREAM_LOG =
            Logger.getLogger("io.grpc.netty.shaded.io.grpc.netty.NettyServerStream");

    static {
        // A client is told what it did wrong; it cannot fill the node's log with it.
        STREAM_LOG.setLevel(Level.SEVERE);
    }

    private final TransportSettings settings;
    private final AccessSettings access;
    private final ServingMetrics metrics;
    private final InstantSource clock;
    private final Executor executor;
    private final HealthStatusManager health = new HealthStatusManager();
    private final List<String> names = new ArrayList<>();
    private final AtomicBoolean draining = new AtomicBoolean();
    private final BoundedConnections connections;
    private final Server server;
    private final Server admin;
    private volatile boolean serving;

    /**
     * What is offered.
     *
     * @param own on the public port
     * @param shared on both
     */
    record Services(List<BindableService> own, List<BindableService> shared) {
        List<BindableService> all() {
            List<BindableService> all = new ArrayList<>(own);
            all.addAll(shared);
            return all;
        }
    }

    GrpcFace(TransportSettings settings, AccessSettings access, Services services,
            ServingMetrics metrics, InstantSource clock, Executor executor) {
        this.settings = settings;
        this.access = access;
        this.metrics = metrics;
        this.clock = clock;
        this.executor = executor;
        names.add(HealthStatusManager.SERVICE_NAME_ALL_SERVICES);
        services.all()
                .forEach(each -> names.add(each.bindService().getServiceDescriptor().getName()));
        say(ServingStatus.NOT_SERVING);
        this.connections = new BoundedConnections(settings.connectionsMax(), metrics);
        this.server = make(new InetSocketAddress(settings.host(), settings.port()),
                settings.tls()
                        .map(GrpcFace::encrypted)
                        .orElseGet(InsecureServerCredentials::create),
                services.all(), false);
        this.admin = make(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), settings.adminPort()),
                InsecureServerCredentials.create(), services.shared(), true);
    }

    private Server make(InetSocketAddress address, ServerCredentials credentials,
            List<BindableService> services, boolean adminPort) {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(address, credentials)
                .executor(executor)
                // The last one is asked first: what is denied counts too.
                .intercept(new AccessGate(access.keys(), access.local(), adminPort, clock))
                .intercept(new HeaderLimit(settings.metadataBytesMax()))
                .intercept(new RequestMeter(metrics))
                .maxInboundMessageSize(settings.messageBytesMax())
                .maxInboundMetadataSize(HeaderLimit.transportBytes(settings.metadataBytesMax()))
                .maxConnectionIdle(settings.connectionIdleTimeout().toMillis(),
                        TimeUnit.MILLISECONDS)
                .maxConcurrentCallsPerConnection(settings.callsPerConnectionMax())
                .maxRstFramesPerWindow(settings.resetsPerWindowMax(),
                        Math.toIntExact(settings.resetWindow().toSeconds()))
                .permitKeepAliveTime(settings.keepAliveMin().toMillis(), TimeUnit.MILLISECONDS)
                .permitKeepAliveWithoutCalls(true)
                .addService(health.getHealthService());
        connections.bind(builder);
        services.forEach(builder::addService);
        if (settings.reflection()) {
            builder.addService(ProtoReflectionServiceV1.newInstance());
        }
        return builder.build();
    }

    /** Clients that show a certificate must have one of ours; those that show none need a key. */
    private static ServerCredentials encrypted(TlsFiles files) {
        try {
            TlsServerCredentials.Builder credentials = TlsServerCredentials.newBuilder()
                    .keyManager(files.certificate().toFile(), files.key().toFile());
            if (files.clientAuthorities().isPresent()) {
                Path authorities = files.clientAuthorities().get();
                credentials.trustManager(authorities.toFile()).clientAuth(ClientAuth.OPTIONAL);
            }
            return credentials.build();
        } catch (IOException e) {
            throw new UncheckedIOException("the files for TLS cannot be read: " + e.getMessage()
                    + "; see server.tls_certificate, server.tls_key and"
                    + " server.tls_client_authorities", e);
        }
    }

    /** @throws UncheckedIOException if a port cannot be listened on */
    void start() {
        start(server, settings.host(), settings.port());
        start(admin, "loopback", settings.adminPort());
    }

    private static void start(Server server, String host, int port) {
        try {
            server.start();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on " + host + ":" + port
                    + ": is the port taken? choose another", e);
        }
    }

    int port() {
        return server.getPort();
    }

    int adminPort() {
        return admin.getPort();
    }

    /** Says that requests are answered. */
    void serving() {
        serving = true;
        say(ServingStatus.SERVING);
    }

    /** Says for good that no request is answered any more. */
    void dead() {
        serving = false;
        health.enterTerminalState();
    }

    /** Whether health says that requests are answered. */
    boolean answers() {
        return serving;
    }

    private void say(ServingStatus status) {
        names.forEach(name -> health.setStatus(name, status));
    }

    /** Sends balancers away and takes no new calls; those inside go on. */
    void drain() {
        if (draining.compareAndSet(false, true)) {
            dead();
            server.shutdown();
            admin.shutdown();
        }
    }

    /** Waits for the calls inside, then ends those that are left. */
    @Override
    public void close() {
        drain();
        long deadline = System.nanoTime() + settings.drainTimeout().toNanos();
        end(server, deadline);
        end(admin, deadline);
        connections.close();
    }

    private static void end(Server server, long deadline) {
        try {
            if (!server.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                server.shutdownNow();
                var unused = server.awaitTermination(5, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
