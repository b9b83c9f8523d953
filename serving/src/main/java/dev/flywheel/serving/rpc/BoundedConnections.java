package dev.flywheel.serving.rpc;

import dev.flywheel.serving.metrics.ServingMetrics;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Holds the connections of all ports to a number: what comes beyond it is closed before anything is read from it. */
final class BoundedConnections implements AutoCloseable {
    private static final long CLOSE_SECONDS = 5;

    private final int max;
    private final AtomicInteger open = new AtomicInteger();
    private final Runnable refused;
    private final EventLoopGroup acceptors = loops("flywheel-accept", 1);
    private final EventLoopGroup workers = loops("flywheel-grpc-io", 0);

    BoundedConnections(int max, ServingMetrics metrics) {
        this.max = max;
        this.refused = metrics::connectionRefused;
        metrics.gauge("flywheel.serving.connections", "gRPC connections that are open", open::get);
    }

    /** @param threads 0: as many as the machine asks for */
    private static EventLoopGroup loops(String name, int threads) {
        return new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory(name, true),
                NioIoHandler.newFactory());
    }

    void bind(NettyServerBuilder builder) {
        builder.channelFactory(Acceptor::new)
                .bossEventLoopGroup(acceptors)
                .workerEventLoopGroup(workers);
    }

    /** Returns whether it may stay. */
    private boolean admit(Channel connection) {
        if (open.incrementAndGet() > max) {
            open.decrementAndGet();
            connection.unsafe().closeForcibly();
            refused.run();
            return false;
        }
        var unused = connection.closeFuture().addListener(closed -> open.decrementAndGet());
        return true;
    }

    @Override
    public void close() {
        var unused = acceptors.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
        unused = workers.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
    }

    private final class Acceptor extends NioServerSocketChannel {
        @Override
        protected int doReadMessages(List<Object> accepted) throws Exception {
            int before = accepted.size(); // of earlier turns of the same round
            int read = super.doReadMessages(accepted);
            accepted.subList(before, accepted.size()).removeIf(each -> !admit((Channel) each));
            return read;
        }
    }
}
