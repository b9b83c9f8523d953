package dev.flywheel.app.cli;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.Endpoints;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.local.OptionNames;
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
            "Serves real clients: starts store, broker, stream job, trainer and serving node in this process"
                    + " and prints where they listen.",
            "State lives under --data. Ctrl-C drains and stops; after a crash the same command goes on where it was."
        })
public final class UpCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--data", paramLabel = "DIR",
            description = "Folder for all state, made if it is missing. Default: ${DEFAULT-VALUE}, in the current"
                    + " folder.") private Path data =
                            Path.of("data");

    @Option(names = "--port", paramLabel = "PORT",
            description = "gRPC port; 0 takes a free one, and one each for server.admin_port and server.http_port. Default: the setting server.port.") private @Nullable Integer port;

    @Override
    public Integer call() throws InterruptedException {
        if (port != null && (port < 0 || port > 65_535)) {
            throw new ParameterException(
                    spec.commandLine(), "--port is %d, allowed is 0 to 65535".formatted(port));
        }
        FlywheelConfig config =
                loop.settings(Map.of(), ports());
        Path model = loop.modelFolder();
        PrintWriter err = spec.commandLine().getErr();
        try (StopHook stop = new StopHook(err)) {
            LocalLoop node =
                    LocalLoop.start(
                            config, data, model, OptionNames.KEPT, stop.closing(),
                            output.progress()::println, output.reading());
            node.createAdapterOfSettings();
            output.print(node.endpoints(), text(node.endpoints()));
            // Said before the parts close: on a full disk that may take long.
            err.println("flywheel: " + node.awaitEnd());
            err.flush();
        }
        return 1;
    }

    /** Who takes any port takes any for administration too. */
    private Map<String, Object> ports() {
        Integer given = port;
        if (given == null) {
            return Map.of();
        }
        return given == 0 ? Map.of("server.port", 0, "server.admin_port", 0,
                "server.http_port", 0)
                : Map.of("server.port", given);
    }

    private static String text(Endpoints endpoints) {
        return String.join("\n", endpoints.lines()) + "\nready; Ctrl-C drains and stops";
    }
}
