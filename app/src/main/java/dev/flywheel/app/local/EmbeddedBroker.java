package dev.flywheel.app.local;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;
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
    private static final int NODE_ID = 1;
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
        Properties properties = properties(folder, brokerPort, freePort());
        format(folder);
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

    private static Properties properties(Path folder, int brokerPort, int controllerPort) {
        Properties p = new Properties();
        p.setProperty("process.roles", "broker,controller");
        p.setProperty("node.id", Integer.toString(NODE_ID));
        p.setProperty("controller.quorum.voters", NODE_ID + "@" + HOST + ":" + controllerPort);
        p.setProperty("controller.listener.names", "CONTROLLER");
        p.setProperty("listeners",
                "PLAINTEXT://%s:%d,CONTROLLER://%s:%d".formatted(HOST, brokerPort, HOST,
                        controllerPort));
        p.setProperty("advertised.listeners", "PLAINTEXT://%s:%d".formatted(HOST, brokerPort));
        p.setProperty("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        p.setProperty("inter.broker.listener.name", "PLAINTEXT");
        p.setProperty("log.dirs", folder.toString());
        p.setProperty("auto.create.topics.enable", "false");
        p.setProperty("group.initial.rebalance.delay.ms", "0");
        for (String topic : List.of("offsets.topic", "transaction.state.log",
                "share.coordinator.state.topic")) {
            p.setProperty(topic + ".replication.factor", "1");
            p.setProperty(topic + ".num.partitions", "1");
        }
        p.setProperty("transaction.state.log.min.isr", "1");
        p.setProperty("share.coordinator.state.topic.min.isr", "1");
        // Few threads and small buffers: it shares two cores and one heap with everything else.
        p.setProperty("num.network.threads", "1");
        p.setProperty("num.io.threads", "2");
        p.setProperty("num.recovery.threads.per.data.dir", "1");
        p.setProperty("background.threads", "2");
        p.setProperty("log.cleaner.dedupe.buffer.size", "2097152");
        p.setProperty("log.segment.bytes", "67108864");
        return p;
    }

    private static void format(Path folder) {
        if (Files.exists(folder.resolve("meta.properties"))) {
            return;
        }
        try {
            Files.createDirectories(folder);
            new Formatter().setClusterId(Uuid.randomUuid().toString())
                    .setNodeId(NODE_ID)
                    .setDirectories(List.of(folder.toString()))
                    .setMetadataLogDirectory(folder.toString())
                    .setControllerListenerName("CONTROLLER")
                    .setReleaseVersion(MetadataVersion.latestProduction())
                    .setPrintStream(
                            new PrintStream(OutputStream.nullOutputStream(), false,
                                    StandardCharsets.UTF_8))
                    .run();
        } catch (Exception e) {
            // The formatter's signature leaves no narrower type.
            throw new StartException(
                    "broker folder %s cannot be formatted: %s".formatted(folder, e.getMessage()),
                    e);
        }
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
