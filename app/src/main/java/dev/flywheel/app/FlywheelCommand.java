package dev.flywheel.app;

import dev.flywheel.app.cli.ConfigCommand;
import dev.flywheel.app.cli.DemoCommand;
import dev.flywheel.app.cli.Failures;
import dev.flywheel.app.cli.PretrainCommand;
import dev.flywheel.app.cli.ReplayCommand;
import dev.flywheel.app.cli.UpCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code flywheel} command: everything a user starts, starts here. */
@Command(
        name = "flywheel",
        mixinStandardHelpOptions = true,
        versionProvider = FlywheelCommand.Version.class,
        description = "Serves language models and learns from every click.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            UpCommand.class,
            ReplayCommand.class,
            PretrainCommand.class,
            ConfigCommand.class
        })
public final class FlywheelCommand implements Runnable {

    @Spec private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** Returns the command line with its rules for errors: one line, exit code not 0. */
    public static CommandLine commandLine() {
        return new CommandLine(new FlywheelCommand())
                .setExecutionExceptionHandler(Failures::report)
                .setParameterExceptionHandler(Failures::usage);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "missing command");
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = FlywheelCommand.class.getPackage().getImplementationVersion();
            return new String[] {"flywheel " + (version == null ? "(from classes)" : version)};
        }
    }
}
