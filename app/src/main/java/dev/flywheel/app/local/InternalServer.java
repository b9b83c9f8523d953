package dev.flywheel.app.local;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A gRPC server on a free loopback port, for what the parts of the loop say to one another. */
final class InternalServer implements AutoCloseable {
    private final Server server;

    private InternalServer(Server server) {
        this.server = server;
    }

    static InternalServer start(List<? extends BindableService> services, int messageBytesMax) {
        NettyServerBuilder builder =
                NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                        .maxInboundMessageSize(messageBytesMax);
        services.forEach(builder::addService);
        try {
            return new InternalServer(builder.build().start());
        } catch (IOException e) {
            throw new StartException("no loopback port can be opened: " + e.getMessage(), e);
        }
    }

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
