package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.audit.JobFigures;
import dev.flywheel.app.audit.NodeJob;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LoopProgress;
import dev.flywheel.app.local.StartException;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.Topics;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A running loop as its settings name it: broker, registry and job. */
final class NodeOptions {
    /** Prints stack traces of what is told in one line here. Held, for a logger that nobody holds forgets its level. */
    private static final Logger CHANNEL_LOG =
            Logger.getLogger("io.grpc.internal.ManagedChannelImpl");

    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(names = "--config", paramLabel = "FILE",
            description = "The node's settings, for its ports and topics. Default: the defaults.") private @Nullable Path config;

    @Option(names = "--brokers", paramLabel = "HOST:PORT",
            description = "Kafka's bootstrap servers. Default: localhost, and loop.broker_port of the settings.") private @Nullable String brokers;

    @Option(names = "--node", paramLabel = "HOST:PORT",
            description = "A node, for its registry. Default: localhost, and server.admin_port of the settings. Shows the key in FLYWHEEL_KEY.") private @Nullable String node;

    @Option(names = "--metrics", paramLabel = "URL",
            description = "Where the node's metrics are, for what its job holds. Default: metrics.host and metrics.port of the"
                    + " settings.") private @Nullable URI metrics;

    @Option(names = "--flink", paramLabel = "URL",
            description = "Flink's REST interface, where the job runs in a cluster of its own; instead of --metrics.") private @Nullable URI flink;

    FlywheelConfig settings() {
        return new ConfigLoader().load(Map.of(), config, Map.of());
    }

    Topics topics() {
        return new Topics(settings().loop().env());
    }

    /** As the job reads. */
    IntakeReader reader() {
        FlywheelConfig.Loop loop = settings().loop();
        return new IntakeReader(loop.feedbackBytesMax(), loop.confluentFraming());
    }

    String brokers() {
        return brokers != null ? brokers
                : "localhost:" + port("loop.broker_port", settings().loop().brokerPort(),
                        "--brokers");
    }

    /** Connects to the registry; the caller closes it. */
    StoreClient registry() {
        CHANNEL_LOG.setLevel(Level.OFF);
        String named = node;
        if (named != null) {
            UsageChecks.requireAddress(spec, "--node", named);
            return StoreClient.connect(named, OwnKey.get());
        }
        return StoreClient.connect(
                "localhost:" + port("server.admin_port", settings().server().adminPort(), "--node"),
                OwnKey.get());
    }

    /** Connects to whoever tells what the job holds; the caller closes it. */
    JobFigures.Source job() {
        URI rest = flink;
        return rest == null ? new NodeJob(metrics())
                : LoopProgress.ofRunningJob(rest, brokers(), topics());
    }

    private URI metrics() {
        FlywheelConfig.Metrics settings = settings().metrics();
        return metrics != null ? metrics
                : URI.create("http://" + settings.host() + ":"
                        + port("metrics.port", settings.port(), "--metrics"));
    }

    private static int port(String setting, int port, String option) {
        if (port == 0) {
            throw new StartException(
                    "%s is 0, so that the node took a free port; give it with %s"
                            .formatted(setting, option));
        }
        return port;
    }
}
