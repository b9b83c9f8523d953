package dev.flywheel.app.cli;

import dev.flywheel.app.config.ConfigLoader;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows every setting, or checks an operator's file. */
@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        description = "Prints every setting with default, unit and reason, as a YAML file to start from; with --config"
                + " checks a file instead.")
public final class ConfigCommand implements Runnable {
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--config", paramLabel = "FILE",
            description = "YAML file with settings; starts nothing, exit code 1 and"
                    + " the reason if it is not valid.") private @Nullable Path file;

    @Override
    public void run() {
        if (file == null) {
            output.print(
                    new ConfigLoader().settings(), ConfigLoader.referenceText().stripTrailing());
        } else {
            var unused = new ConfigLoader().load(file, Map.of());
            output.print(Map.of("valid", true), file + " is valid");
        }
    }
}
