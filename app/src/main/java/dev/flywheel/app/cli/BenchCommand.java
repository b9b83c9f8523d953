package dev.flywheel.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measurements of parts by themselves. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures parts by themselves, without a node.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {BenchJoinCommand.class, BenchQuantizationCommand.class,
            BenchCorruptionCommand.class, BenchBatchCommand.class,
            BenchAdaptersCommand.class, BenchSwapCommand.class, BenchOverloadCommand.class})
public final class BenchCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(),
                "missing command, such as join or quantization");
    }
}
