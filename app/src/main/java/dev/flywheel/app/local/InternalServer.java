package dev.flywheel.app.local;

import dev.flywheel.api.fault.Failpoints;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A gRPC server for what the parts of the loop say to one another. */
final class InternalServer implements AutoCloseable {
    /** A free port, on loopback: for parts of one process. */
    static final InetSocketAddress ANY = new InetSocketAddress("127.0.0.1", 0);

    private final Server server;

    private InternalServer(Server server) {
        this.server = server;
    }

    /** @throws StartException if the address cannot be listened on */
    static InternalServer start(List<? extends BindableService> services, int messageBytesMax,
            InetSocketAddress address) {
        NettyServerBuilder builder =
                NettyServerBuilder.forAddress(address).maxInboundMessageSize(messageBytesMax);
        services.forEach(builder::addService);
        if (Failpoints.open()) {
            builder.intercept(new FailpointInterceptor());
        }
        try {
            return new InternalServer(builder.build().start());
        } catch (IOException e) {
            throw new StartException(
                    "%s cannot be listened on: %s".formatted(address, e.getMessage()), e);
        }
    }

    /** Returns how the other parts of this process reach it. */
    String target() {
        return "127.0.0.1:" + server.getPort();
    }

    @Override
    public void close() throws InterruptedException {
        server.shutdown();
        if (!server.awaitTermination(2, TimeUnit.SECONDS)) {
            server.shutdownNow();
            server.awaitTermination(2, TimeUnit.SECONDS);
        }
    }
}
