package dev.flywheel.app.cli;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
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

    @Override
    public Integer call() throws InterruptedException {
        FlywheelConfig config =
                loop.settings(Map.of(), port == null ? Map.of() : Map.of("server.port", port));
        Path model = loop.modelFolder();
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        try (StopHook stop = new StopHook(err)) {
            LocalLoop node = LocalLoop.start(config, data, model, stop.closing());
            node.createAdapter(
                    config.adapter().name(),
                    AdapterSettings.ranker().withTenant(config.adapter().tenant()));
            node.endpoints().forEach(out::println);
            out.println("ready; Ctrl-C drains and stops");
            out.flush();
            // Said before the parts close: on a full disk that may take long.
            err.println("flywheel: " + node.awaitEnd());
            err.flush();
        }
        return 1;
    }
}
