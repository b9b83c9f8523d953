package dev.flywheel.app.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.Time;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;

/**
 * A whole Kafka broker (KRaft, one combined node) in this process, on loopback only.
 *
 * <p>Its folder is formatted once and opened again after any end of the process. What it has acknowledged survives the
 * process, {@code kill -9} included; the machine's own crash it survives as far as the operating system had written pages out.
 * One broker per process; the caller closes it.
 */
public final class EmbeddedBroker implements AutoCloseable {
    private static final String HOST = "127.0.0.1";
    private static final Duration BROKEN_STOP = Duration.ofSeconds(3);

    private final KafkaRaftServer server;
    private final int port;
    private final CompletableFuture<String> broken;

    private EmbeddedBroker(KafkaRaftServer server, int port, CompletableFuture<String> broken) {
        this.server = server;
        this.port = port;
        this.broken = broken;
    }

    /**
     * Starts a broker.
     *
     * @param folder where topics live; made if need be
     * @param port where clients reach it; 0 takes a free one
     * @throws StartException naming what is in the way
     */
    public static EmbeddedBroker start(Path folder, int port) {
        int brokerPort = port == 0 ? freePort() : requireFree(port);
        Properties properties =
                new BrokerFolder(folder, brokerPort, freePort()).format().properties();
        CompletableFuture<String> broken = new CompletableFuture<>();
        outliveTheBroker(folder, broken);
        KafkaRaftServer server =
                new KafkaRaftServer(KafkaConfig.fromProps(properties, false), Time.SYSTEM);
        try {
            server.startup();
        } catch (RuntimeException e) {
            server.shutdown();
            throw new StartException("broker cannot start in " + folder + ": " + e.getMessage(), e);
        }
        return new EmbeddedBroker(server, brokerPort, broken);
    }

    /** A broker that cannot go on, e.g. on a full disk, would end the process then and there, in the midst of all else. */
    private static void outliveTheBroker(Path folder, CompletableFuture<String> broken) {
        Exit.Procedure tell = (status, message) -> {
            String reason =
                    "the broker has given up %s%s; the errors above say why, what it had acknowledged is kept"
                            .formatted(folder, message == null ? "" : " (" + message + ")");
            broken.complete(reason);
            // All that its threads say from here on follows from that.
            Configurator.setLevel("kafka", Level.OFF);
            Configurator.setLevel("org.apache.kafka", Level.OFF);
            throw new IllegalStateException(reason); // Kafka expects no return
        };
        Exit.setHaltProcedure(tell);
        Exit.setExitProcedure(tell);
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getByName(HOST), 0));
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new StartException("no free port on " + HOST + ": " + e.getMessage(), e);
        }
    }

    private static int requireFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName(HOST), port));
            return port;
        } catch (IOException e) {
            throw new StartException(
                    "port %d on %s is taken; set loop.broker_port to a free one (0 picks one)"
                            .formatted(
                                    port, HOST),
                    e);
        }
    }

    /** Returns what clients connect to. */
    public String bootstrapServers() {
        return HOST + ":" + port;
    }

    /** Completes with the reason if the broker cannot go on. */
    public CompletableFuture<String> broken() {
        return broken;
    }

    @Override
    public void close() {
        if (broken.isDone()) {
            stopBroken();
            return;
        }
        server.shutdown();
        server.awaitShutdown();
    }

    /** In order it would wait five minutes for an answer of its own dead half. */
    private void stopBroken() {
        Thread stop = Thread.ofPlatform().daemon().name("broker-stop").start(server::shutdown);
        try {
            stop.join(BROKEN_STOP);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
