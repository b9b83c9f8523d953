package dev.flywheel.app;

import dev.flywheel.app.cli.AbuseCommand;
import dev.flywheel.app.cli.AdapterCommand;
import dev.flywheel.app.cli.AuditCommand;
import dev.flywheel.app.cli.BenchCommand;
import dev.flywheel.app.cli.BisectCommand;
import dev.flywheel.app.cli.ChaosCommand;
import dev.flywheel.app.cli.ClusterCommand;
import dev.flywheel.app.cli.ConfigCommand;
import dev.flywheel.app.cli.DemoCommand;
import dev.flywheel.app.cli.DlqCommand;
import dev.flywheel.app.cli.EvaluationCommand;
import dev.flywheel.app.cli.ExciseCommand;
import dev.flywheel.app.cli.Failures;
import dev.flywheel.app.cli.ForgetCommand;
import dev.flywheel.app.cli.FuzzCommand;
import dev.flywheel.app.cli.KeyCommand;
import dev.flywheel.app.cli.LineageCommand;
import dev.flywheel.app.cli.LoadCommand;
import dev.flywheel.app.cli.ModelCommand;
import dev.flywheel.app.cli.OpeCommand;
import dev.flywheel.app.cli.OracleCommand;
import dev.flywheel.app.cli.PretrainCommand;
import dev.flywheel.app.cli.ReplayCommand;
import dev.flywheel.app.cli.ReplayLineageCommand;
import dev.flywheel.app.cli.RollbackCommand;
import dev.flywheel.app.cli.RunCommand;
import dev.flywheel.app.cli.SimulateCommand;
import dev.flywheel.app.cli.StoreCommand;
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
        footer = {
            "",
            "New here? Run ./flywheel demo, then ./flywheel up. ./flywheel COMMAND --help explains a command.",
            "Exit code: 0 if it worked, 1 if not, 2 if the command line was wrong.",
            "Environment: JAVA_HOME (a JDK 25; else one is searched for), FLYWHEEL_JAVA_OPTS (further flags of the JVM)."
        },
        subcommands = {
            DemoCommand.class,
            UpCommand.class,
            RunCommand.class,
            ClusterCommand.class,
            ChaosCommand.class,
            ReplayCommand.class,
            SimulateCommand.class,
            PretrainCommand.class,
            OracleCommand.class,
            StoreCommand.class,
            ModelCommand.class,
            KeyCommand.class,
            LoadCommand.class,
            FuzzCommand.class,
            AbuseCommand.class,
            AdapterCommand.class,
            DlqCommand.class,
            EvaluationCommand.class,
            OpeCommand.class,
            AuditCommand.class,
            ReplayLineageCommand.class,
            LineageCommand.class,
            RollbackCommand.class,
            ExciseCommand.class,
            ForgetCommand.class,
            BisectCommand.class,
            BenchCommand.class,
            ConfigCommand.class
        })
public final class FlywheelCommand implements Runnable {

    @Spec private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** Returns the command line with its rules for errors: one line, exit code not 0. */
    public static CommandLine commandLine() {
        CommandLine line = new CommandLine(new FlywheelCommand());
        tellVersion(line);
        return line.setExecutionExceptionHandler(Failures::report)
                .setParameterExceptionHandler(Failures::usage);
    }

    private static void tellVersion(CommandLine line) {
        for (CommandLine command : line.getSubcommands().values()) {
            command.getCommandSpec().versionProvider(new Version());
            tellVersion(command);
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "missing command, such as demo or up");
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = FlywheelCommand.class.getPackage().getImplementationVersion();
            return new String[] {"flywheel " + (version == null ? "(from classes)" : version)};
        }
    }
}
