package dev.flywheel.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What was refused, and why. */
@Command(
        name = "dlq",
        mixinStandardHelpOptions = true,
        description = "Handles refused feedback: lists the dead letters of a running node, looks into one, sends events again.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {DlqListCommand.class, DlqShowCommand.class, DlqReplayCommand.class})
public final class DlqCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "missing command, such as list or replay");
    }
}
