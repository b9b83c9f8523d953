package dev.flywheel.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Tools that run a model folder without a node. */
@Command(
        name = "model",
        mixinStandardHelpOptions = true,
        description = "Looks into a Hugging Face model folder and runs it, without a node: for checks and for curiosity.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ModelInfoCommand.class,
            ModelTokenizeCommand.class,
            ModelLogitsCommand.class,
            ModelGenerateCommand.class,
            ModelScoreCommand.class,
            ModelRandomCommand.class
        })
public final class ModelCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(),
                "missing command, such as info or generate");
    }
}
