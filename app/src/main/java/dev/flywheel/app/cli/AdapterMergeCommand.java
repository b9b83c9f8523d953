package dev.flywheel.app.cli;

import dev.flywheel.app.tool.MergedModel;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A base model with an adapter worked in. */
@Command(
        name = "merge",
        mixinStandardHelpOptions = true,
        description = "Writes a Hugging Face folder whose weights are the base's with the adapter added, in the types of the base.")
final class AdapterMergeCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "PEFT folder.") private Path folder;

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: the built-in one.") private @Nullable Path model;

    @Option(names = "--out", paramLabel = "DIR", required = true,
            description = "New folder.") private Path out;

    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        Outputs.requireNewFolder("--out", out);
        MergedModel merged = MergedModel.write(ModelFolder.find(model), folder, out);
        output.print(merged, "merged %d modules into %s".formatted(merged.merged().size(), out));
        return 0;
    }
}
