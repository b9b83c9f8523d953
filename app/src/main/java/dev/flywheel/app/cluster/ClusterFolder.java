package dev.flywheel.app.cluster;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.BrokerFolder;
import dev.flywheel.app.local.FlinkFolder;
import dev.flywheel.app.local.LogFile;
import dev.flywheel.app.local.TokenKeyFile;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The data folder of a cluster: a folder for the state, the settings and the log of each member.
 *
 * <p>Broker, store, checkpoints and keys lie where {@code up} has them, so the same folder can be taken by either, one at a time.
 */
public final class ClusterFolder {
    private static final String LOOPBACK = "127.0.0.1:";
    private static final String LOG_SETTINGS = "log4j2.properties";

    private final Path root;
    private final FlywheelConfig config;
    private final BrokerFolder broker;
    private final FlinkFolder flink;
    private final Map<Member, Path> settings = new EnumMap<>(Member.class);
    private final Map<Member, Integer> metrics = new EnumMap<>(Member.class);

    private ClusterFolder(Path root, FlywheelConfig config, BrokerFolder broker,
            FlinkFolder flink) {
        this.root = root;
        this.config = config;
        this.broker = broker;
        this.flink = flink;
    }

    /**
     * Makes the folder and writes the members' settings into it; ports that the settings leave at 0 are chosen now.
     *
     * @param file the operator's settings, or null
     * @param overrides keys laid over them, dotted
     */
    public static ClusterFolder lay(Path root, @Nullable Path file, Map<String, Object> overrides,
            RandomGenerator random) throws IOException {
        FlywheelConfig given = new ConfigLoader().load(file, overrides);
        Ports ports = new Ports(random);
        Path data = Files.createDirectories(root).toAbsolutePath();
        BrokerFolder broker =
                new BrokerFolder(data.resolve("kafka"), ports.take(given.loop().brokerPort()),
                        ports.take(0));
        FlinkFolder flink =
                new FlinkFolder(data.resolve("flink"), data.resolve("flink-tmp"), ports.take(0),
                        ports.take(0));
        Map<String, Object> all = new HashMap<>(overrides);
        all.put("loop.broker_port", broker.port());
        all.put("server.port", ports.take(given.server().port()));
        if (given.server().httpPort() >= 0) {
            all.put("server.http_port", ports.take(given.server().httpPort()));
        }
        all.put("server.admin_port", ports.take(given.server().adminPort()));
        all.put("processes.broker", broker.bootstrapServers());
        all.put("processes.store", LOOPBACK + ports.take(0));
        all.put("processes.trainer", LOOPBACK + ports.take(0));
        all.put("processes.token_keys",
                TokenKeyFile.make(Files.createDirectories(data.resolve("secrets"))).toString());
        ClusterFolder folder =
                new ClusterFolder(data, new ConfigLoader().load(file, all), broker, flink);
        folder.writeSettings(file, all, ports);
        return folder;
    }

    private void writeSettings(@Nullable Path file, Map<String, Object> overrides, Ports ports)
            throws IOException {
        Path conf = Files.createDirectories(root.resolve("conf"));
        try (InputStream in = Objects.requireNonNull(
                LogFile.class.getResourceAsStream("/" + LOG_SETTINGS), LOG_SETTINGS)) {
            Files.copy(in, conf.resolve(LOG_SETTINGS), StandardCopyOption.REPLACE_EXISTING);
        }
        broker.format();
        settings.put(Member.BROKER, broker.write(conf.resolve("broker.properties")));
        Path flinkConf =
                flink.write(conf.resolve("flink"), config.loop());
        settings.put(Member.JOBMANAGER, flinkConf);
        settings.put(Member.TASKMANAGER, flinkConf);
        for (Member role : new Member[] {Member.STORE, Member.TRAINER, Member.SERVING}) {
            Map<String, Object> own = new HashMap<>(overrides);
            int port = ports.take(role == Member.SERVING ? config.metrics().port() : 0);
            metrics.put(role, port);
            own.put("metrics.port", port);
            own.put("processes.name", role.label());
            settings.put(role, write(conf.resolve(role.label() + ".yaml"), file, own));
        }
    }

    private static Path write(Path target, @Nullable Path file, Map<String, Object> overrides)
            throws IOException {
        ObjectMapper yaml = new YAMLMapper();
        ObjectNode tree = yaml.createObjectNode();
        if (file != null && yaml.readTree(file.toFile()) instanceof ObjectNode given) {
            tree = given;
        }
        for (Map.Entry<String, Object> each : overrides.entrySet()) {
            String[] keys = each.getKey().split("\\.", -1);
            ObjectNode group = tree;
            for (int i = 0; i < keys.length - 1; i++) {
                group = group.withObjectProperty(keys[i]);
            }
            group.set(keys[keys.length - 1], yaml.valueToTree(each.getValue()));
        }
        yaml.writeValue(target.toFile(), tree);
        return target;
    }

    public Path root() {
        return root;
    }

    /** Returns the settings in force, with the ports that were chosen. */
    public FlywheelConfig config() {
        return config;
    }

    /** Returns where Prometheus scrapes a role of ours. */
    public URI metrics(Member role) {
        return URI.create("http://" + LOOPBACK
                + Objects.requireNonNull(metrics.get(role), role.label()) + "/metrics");
    }

    FlinkFolder flink() {
        return flink;
    }

    /** Returns the file or folder with the settings of a member. */
    Path settings(Member member) {
        return Objects.requireNonNull(settings.get(member), member.label());
    }

    Path logSettings() {
        return root.resolve("conf").resolve(LOG_SETTINGS);
    }

    /** Returns the folder that a role takes as its data folder. */
    Path data(Member member) {
        // As `up` has it: its lock keeps the two apart.
        return member == Member.STORE ? root : root.resolve(member.label());
    }

    /** Returns the file that keeps what a member prints. */
    public Path log(Member member) {
        return root.resolve("log").resolve(member.label() + ".log");
    }
}
