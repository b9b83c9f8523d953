package dev.flywheel.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Tools for adapters, as PEFT folders and in a store. */
@Command(
        name = "adapter",
        mixinStandardHelpOptions = true,
        description = {
            "Makes, configures and deletes the adapters of a node; looks into PEFT folders, checks, compares and merges them, and moves"
                    + " adapters between them and a node's store.",
            "Folders have adapter_config.json and adapter_model.safetensors, as peft writes them."
        },
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            AdapterCreateCommand.class,
            AdapterConfigureCommand.class,
            AdapterDeleteCommand.class,
            AdapterListCommand.class,
            AdapterShowCommand.class,
            AdapterSettingsCommand.class,
            AdapterInspectCommand.class,
            AdapterVerifyCommand.class,
            AdapterExportCommand.class,
            AdapterImportCommand.class,
            AdapterDiffCommand.class,
            AdapterMergeCommand.class
        })
public final class AdapterCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(),
                "missing command, such as create or inspect");
    }
}
