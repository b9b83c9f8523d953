package dev.flywheel.app.cli;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.local.StartException;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.nio.file.Path;
import java.util.HashMap;
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
        Map<String, Object> overrides = new HashMap<>();
        if (port != null) {
            overrides.put("server.port", port);
        }
        FlywheelConfig config = loop.settings(overrides);
        LocalLoop node = LocalLoop.start(config, data, loop.modelFolder());
        var out = spec.commandLine().getOut();
        Thread stop = new Thread(() -> stop(node), "stop");
        Runtime.getRuntime().addShutdownHook(stop);
        node.createAdapter(
                config.adapter().name(),
                AdapterSettings.ranker().withTenant(config.adapter().tenant()));
        node.endpoints().forEach(out::println);
        out.println("ready; Ctrl-C drains and stops");
        out.flush();
        String reason = node.awaitEnd();
        throw new StartException(reason);
    }

    private static void stop(LocalLoop node) {
        System.err.println("draining...");
        node.close();
        System.err.println("stopped");
    }
}
