package dev.flywheel.app.cli;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.Role;
import dev.flywheel.app.local.RoleProcess;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** One role of the loop in a process of its own. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = {
            "Runs one role of the loop in this process: store, trainer or serving. The others are reached where the"
                    + " settings under processes say.",
            "SIGTERM drains and stops; after a crash the same command goes on where it was. ./flywheel cluster starts"
                    + " all of them, with broker and Flink."
        })
public final class RunCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();

    @Parameters(paramLabel = "ROLE", converter = RoleConverter.class,
            description = "store, trainer or serving.") private Role role;

    @Option(names = "--data", paramLabel = "DIR", required = true,
            description = "Folder for what this role keeps, made if it is missing; another one for each role.") private Path data;

    @Override
    public Integer call() throws InterruptedException {
        FlywheelConfig config = loop.settings(Map.of(), Map.of());
        Path model = loop.modelFolder();
        PrintWriter err = spec.commandLine().getErr();
        try (StopHook stop = new StopHook(err)) {
            RoleProcess process =
                    RoleProcess.start(role, config, data, model, stop.closing(),
                            Failpoints.clock());
            err.println(role.label() + " ready on " + process.listens());
            err.flush();
            err.println("flywheel: " + process.awaitEnd());
            err.flush();
        }
        return 1;
    }
}
