package dev.flywheel.app.cli;

import dev.flywheel.app.config.ConfigLoader;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows every setting, or checks an operator's file. */
@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        description = "Prints every setting with default, unit and reason; with --config checks a file.")
public final class ConfigCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Option(names = "--config", paramLabel = "FILE",
            description = "Settings to check.") private @Nullable Path file;

    @Option(names = "-o",
            description = "Prints as ${COMPLETION-CANDIDATES}. Default: text.") private OutputFormat output =
                    OutputFormat.text;

    @Override
    public void run() {
        var out = spec.commandLine().getOut();
        if (file == null) {
            out.print(
                    output == OutputFormat.json
                            ? JsonFile.text(new ConfigLoader().settings()) + "\n"
                            : ConfigLoader.referenceText());
        } else {
            var unused = new ConfigLoader().load(file, Map.of());
            out.println(
                    output == OutputFormat.json ? JsonFile.text(Map.of("valid", true))
                            : file + " is valid");
        }
        out.flush();
    }
}
