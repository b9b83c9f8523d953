package dev.flywheel.serving.http;

import dev.flywheel.api.access.AccessGate;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.settings.AccessSettings;
import dev.flywheel.serving.settings.TlsFiles;
import dev.flywheel.serving.settings.TransportSettings;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP port: who may connect, how much of anything a connection may hold, and how the port closes.
 *
 * <p>It serves HTTP/1.1, one request at a time on a connection. Access, encryption and limits are those of the gRPC port.
 */
public final class HttpFace implements AutoCloseable {
    /** A stream's next event is made while the connection holds less than this of it. */
    private static final WriteBufferWaterMark HELD = new WriteBufferWaterMark(512, 1024);
    /** What the system may hold of a stream for a client, bytes. */
    private static final int SEND_BUFFER_BYTES = 16 << 10;
    private static final int BACKLOG = 64;
    private static final long POLL_NANOS = 5_000_000;

    private final TransportSettings settings;
    private final HttpConnection.Node node;
    private final @Nullable SslContext tls;
    private final Set<HttpConnection> connections = ConcurrentHashMap.newKeySet();
    private final EventLoopGroup group;
    private @Nullable Channel listening;
    private final AtomicBoolean draining = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * @param stallTimeout how long a client may not read what is there for it
     * @param executor runs what may wait
     * @throws UncheckedIOException if the files for TLS cannot be read
     */
    public HttpFace(TransportSettings settings, AccessSettings access, Duration stallTimeout,
            OpenAiNode openAi, ServingMetrics metrics, InstantSource clock, Executor executor) {
        this.settings = settings;
        this.tls = settings.tls().map(HttpFace::encrypted).orElse(null);
        this.node = new HttpConnection.Node(settings, stallTimeout,
                new AccessGate(access.keys(), access.local(), false, clock), openAi, metrics,
                executor, draining::get, connections::remove);
        this.group = new MultiThreadIoEventLoopGroup(1,
                Thread.ofPlatform().daemon().name("http").factory(), NioIoHandler.newFactory());
        metrics.gauge("flywheel.serving.http.connections", "HTTP connections that are open",
                connections::size);
    }

    private static SslContext encrypted(TlsFiles files) {
        try {
            SslContextBuilder builder = SslContextBuilder
                    .forServer(files.certificate().toFile(), files.key().toFile())
                    .sslProvider(SslProvider.JDK);
            files.clientAuthorities()
                    .ifPresent(path -> builder.trustManager(path.toFile())
                            .clientAuth(ClientAuth.OPTIONAL));
            return builder.build();
        } catch (SSLException e) {
            throw new UncheckedIOException("the files for TLS cannot be read: " + e.getMessage()
                    + "; see server.tls_certificate, server.tls_key and"
                    + " server.tls_client_authorities", e);
        }
    }

    /** @throws UncheckedIOException if the port cannot be listened on */
    public void start() {
        ServerBootstrap bootstrap = new ServerBootstrap().group(group)
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.SO_SNDBUF, SEND_BUFFER_BYTES)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, HELD)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        accept(channel);
                    }
                });
        try {
            listening = bootstrap
                    .bind(new InetSocketAddress(settings.host(), settings.http().port()))
                    .syncUninterruptibly()
                    .channel();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Exception e) {
            throw new UncheckedIOException("cannot listen on " + settings.host() + ":"
                    + settings.http().port() + ": is the port taken? choose another",
                    new java.io.IOException(e));
        }
    }

    private void accept(SocketChannel channel) {
        if (draining.get() || connections.size() >= settings.http().connectionsMax()) {
            var unused = channel.close();
            return;
        }
        if (tls != null) {
            channel.pipeline().addLast("tls", tls.newHandler(channel.alloc()));
        }
        HttpConnection connection = new HttpConnection(channel, node);
        connections.add(connection);
        channel.pipeline()
                .addLast(new HttpServerCodec(new HttpDecoderConfig()
                        .setMaxInitialLineLength(settings.metadataBytesMax())
                        .setMaxHeaderSize(settings.metadataBytesMax())
                        .setMaxChunkSize(64 << 10)))
                .addLast(connection);
    }

    /** Returns the port that it listens on. */
    public int port() {
        return listening == null ? settings.http().port()
                : ((InetSocketAddress) listening.localAddress()).getPort();
    }

    /** Takes no new connections and requests; those inside go on. */
    public void drain() {
        if (!draining.compareAndSet(false, true)) {
            return;
        }
        if (listening != null) {
            listening.close().syncUninterruptibly();
        }
        connections.forEach(HttpConnection::closeIfIdle);
    }

    /** Waits for the requests inside, then cuts off those that are left. */
    @Override
    public void close() {
        drain();
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        long deadline = System.nanoTime() + settings.drainTimeout().toNanos();
        while (!connections.isEmpty() && System.nanoTime() < deadline
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(POLL_NANOS);
        }
        connections.forEach(HttpConnection::cut);
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}
