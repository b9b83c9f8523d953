package dev.flywheel.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The store's own files. */
@Command(
        name = "store",
        mixinStandardHelpOptions = true,
        description = "Looks after the store of a node that is not running: checks it, backs it up, restores it.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            StoreCheckCommand.class,
            StoreBackupCommand.class,
            StoreRestoreCommand.class,
            StoreAcceptLossCommand.class
        })
public final class StoreCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(),
                "missing command, such as check or backup");
    }
}
