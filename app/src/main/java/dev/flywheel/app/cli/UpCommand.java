package dev.flywheel.app.cli;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.Endpoints;
import dev.flywheel.app.local.LocalLoop;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The whole loop in one process, for real clients. */
@Command(
        name = "up",
        mixinStandardHelpOptions = true,
        description = {
            "Starts store, broker, stream job, trainer and serving node in this process and prints where they listen.",
            "State lives under --data. Ctrl-C drains and stops; after a crash the same command goes on where it was."
        })
public final class UpCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();

    @Option(names = "--data", paramLabel = "DIR",
            description = "Folder for all state. Default: ${DEFAULT-VALUE}.") private Path data =
                    Path.of("data");

    @Option(names = "--port",
            description = "gRPC port; 0 takes a free one. Default: server.port of the settings.") private @Nullable Integer port;

    @Option(names = "-o",
            description = "Prints where it listens, once it is ready, as ${COMPLETION-CANDIDATES}. Default: text.") private OutputFormat output =
                    OutputFormat.text;

    @Override
    public Integer call() throws InterruptedException {
        if (port != null && (port < 0 || port > 65_535)) {
            throw new ParameterException(
                    spec.commandLine(), "--port is %d, allowed is 0 to 65535".formatted(port));
        }
        FlywheelConfig config =
                loop.settings(Map.of(), port == null ? Map.of() : Map.of("server.port", port));
        Path model = loop.modelFolder();
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        try (StopHook stop = new StopHook(err)) {
            LocalLoop node = LocalLoop.start(config, data, model, stop.closing());
            node.createAdapterOfSettings();
            print(out, node.endpoints());
            // Said before the parts close: on a full disk that may take long.
            err.println("flywheel: " + node.awaitEnd());
            err.flush();
        }
        return 1;
    }

    private void print(PrintWriter out, Endpoints endpoints) {
        if (output == OutputFormat.json) {
            out.println(JsonFile.text(endpoints));
        } else {
            endpoints.lines().forEach(out::println);
            out.println("ready; Ctrl-C drains and stops");
        }
        out.flush();
    }
}
