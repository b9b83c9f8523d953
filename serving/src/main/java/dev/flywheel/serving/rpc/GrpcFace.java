package dev.flywheel.serving.rpc;

import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.settings.TransportSettings;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * The server: its services, limits, health and reflection.
 *
 * <p>Health begins as NOT_SERVING, for the node and for each service, until {@link #serving} is called, and
 * ends as NOT_SERVING for good once {@link #drain} is.
 */
final class GrpcFace implements AutoCloseable {
    private final TransportSettings settings;
    private final HealthStatusManager health = new HealthStatusManager();
    private final List<String> names = new ArrayList<>();
    private final AtomicBoolean draining = new AtomicBoolean();
    private final Server server;

    GrpcFace(TransportSettings settings, List<BindableService> services,
            ServingMetrics metrics, LongSupplier nanos, Executor executor) {
        this.settings = settings;
        NettyServerBuilder builder = NettyServerBuilder
                .forAddress(new InetSocketAddress(settings.host(), settings.port()))
                .executor(executor)
                .intercept(new RequestMeter(metrics, nanos))
                .maxInboundMessageSize(settings.messageBytesMax())
                .maxInboundMetadataSize(settings.metadataBytesMax())
                .maxConcurrentCallsPerConnection(settings.callsPerConnectionMax())
                .maxRstFramesPerWindow(settings.resetsPerWindowMax(),
                        Math.toIntExact(settings.resetWindow().toSeconds()))
                .permitKeepAliveTime(settings.keepAliveMin().toMillis(), TimeUnit.MILLISECONDS)
                .permitKeepAliveWithoutCalls(true)
                .addService(health.getHealthService());
        names.add(HealthStatusManager.SERVICE_NAME_ALL_SERVICES);
        for (BindableService service : services) {
            builder.addService(service);
            names.add(service.bindService().getServiceDescriptor().getName());
        }
        if (settings.reflection()) {
            builder.addService(ProtoReflectionServiceV1.newInstance());
        }
        say(ServingStatus.NOT_SERVING);
        this.server = builder.build();
    }

    /** @throws UncheckedIOException if the port cannot be listened on */
    void start() {
        try {
            server.start();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on " + settings.host() + ":"
                    + settings.port() + ": is the port taken? choose another", e);
        }
    }

    int port() {
        return server.getPort();
    }

    /** Says that requests are answered. */
    void serving() {
        say(ServingStatus.SERVING);
    }

    /** Says for good that no request is answered any more. */
    void dead() {
        health.enterTerminalState();
    }

    private void say(ServingStatus status) {
        names.forEach(name -> health.setStatus(name, status));
    }

    /** Sends balancers away and takes no new calls; those inside go on. */
    void drain() {
        if (draining.compareAndSet(false, true)) {
            dead();
            server.shutdown();
        }
    }

    /** Waits for the calls inside, then ends those that are left. */
    @Override
    public void close() {
        drain();
        try {
            if (!server.awaitTermination(settings.drainTimeout().toNanos(),
                    TimeUnit.NANOSECONDS)) {
                server.shutdownNow();
                var unused = server.awaitTermination(5, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
