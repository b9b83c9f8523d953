package dev.flywheel.app;

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
        synopsisSubcommandLabel = "COMMAND")
public final class FlywheelCommand implements Runnable {

    @Spec private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(new CommandLine(new FlywheelCommand()).execute(args));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing command");
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = FlywheelCommand.class.getPackage().getImplementationVersion();
            return new String[] {"flywheel " + (version == null ? "(from classes)" : version)};
        }
    }
}
