package dev.flywheel.app.local;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A folder of a broker (KRaft, one combined node, on loopback only), and how one is run over it: the same in the process of
 * {@code up} and in one of its own.
 *
 * @param folder where topics live
 * @param port where clients reach it
 * @param controllerPort where it reaches its own controller
 */
public record BrokerFolder(Path folder, int port, int controllerPort) {
    private static final int NODE_ID = 1;
    private static final String HOST = "127.0.0.1";

    /** Makes the folder ready for a broker, once. */
    public BrokerFolder format() {
        if (Files.exists(folder.resolve("meta.properties"))) {
            return this;
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
        return this;
    }

    /** Returns what clients connect to. */
    public String bootstrapServers() {
        return HOST + ":" + port;
    }

    /** Returns the broker's own settings. */
    public Properties properties() {
        Properties p = new Properties();
        p.setProperty("process.roles", "broker,controller");
        p.setProperty("node.id", Integer.toString(NODE_ID));
        p.setProperty("controller.quorum.voters", NODE_ID + "@" + HOST + ":" + controllerPort);
        p.setProperty("controller.listener.names", "CONTROLLER");
        p.setProperty("listeners",
                "PLAINTEXT://%s:%d,CONTROLLER://%s:%d".formatted(HOST, port, HOST,
                        controllerPort));
        p.setProperty("advertised.listeners", "PLAINTEXT://%s:%d".formatted(HOST, port));
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

    /** Writes the settings to a file that Kafka's own main reads. */
    public Path write(Path file) throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            properties().store(out, null);
        }
        return file;
    }
}
