package dev.flywheel.app.cli;

import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.deadletter.DeadLetterException;
import dev.flywheel.app.deadletter.DeadLetters;
import dev.flywheel.app.deadletter.Letter;
import dev.flywheel.feedback.kafka.Topics;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Where the dead letters are. */
final class DlqOptions {
    @Option(names = "--brokers", paramLabel = "HOST:PORT",
            description = "Kafka's bootstrap servers. Default: localhost, and"
                    + " loop.broker_port of the settings.") private @Nullable String brokers;

    @Option(names = "--config", paramLabel = "FILE",
            description = "The node's settings, for loop.env and loop.broker_port."
                    + " Default: the defaults.") private @Nullable Path config;

    /** Fails, naming what there is, if one of {@code --reason} is none. */
    static void requireReasons(CommandSpec spec, List<String> reasons) {
        List<String> known = Arrays.stream(RefusalReason.values())
                .filter(reason -> reason != RefusalReason.UNRECOGNIZED
                        && reason != RefusalReason.REFUSAL_REASON_UNSPECIFIED)
                .map(Letter::nameOf)
                .toList();
        for (String reason : reasons) {
            if (!known.contains(reason)) {
                throw new ParameterException(spec.commandLine(),
                        "--reason is '%s', it must be one of %s".formatted(reason,
                                String.join(", ", known)));
            }
        }
    }

    DeadLetters open() {
        FlywheelConfig.Loop loop = new ConfigLoader().load(Map.of(), config, Map.of()).loop();
        if (brokers == null && loop.brokerPort() == 0) {
            throw new DeadLetterException(
                    "loop.broker_port is 0, so that the node took a free port; give it with --brokers");
        }
        return new DeadLetters(brokers != null ? brokers : "localhost:" + loop.brokerPort(),
                new Topics(loop.env()));
    }
}
