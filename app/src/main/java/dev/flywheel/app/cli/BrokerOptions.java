package dev.flywheel.app.cli;

import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.StartException;
import dev.flywheel.feedback.kafka.Topics;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which broker's topics a command reads. */
final class BrokerOptions {
    @Option(names = "--brokers", paramLabel = "HOST:PORT",
            description = "Kafka's bootstrap servers. Default: localhost, and"
                    + " loop.broker_port of the settings.") private @Nullable String brokers;

    @Option(names = "--config", paramLabel = "FILE",
            description = "The node's settings, for loop.env and loop.broker_port."
                    + " Default: the defaults.") private @Nullable Path config;

    String brokers() {
        int port = loop().brokerPort();
        if (brokers == null && port == 0) {
            throw new StartException(
                    "loop.broker_port is 0, so that the node took a free port; give it with --brokers");
        }
        return brokers != null ? brokers : "localhost:" + port;
    }

    Topics topics() {
        return new Topics(loop().env());
    }

    FlywheelConfig settings() {
        return new ConfigLoader().load(Map.of(), config, Map.of());
    }

    private FlywheelConfig.Loop loop() {
        return settings().loop();
    }
}
