package dev.flywheel.app.cli;

import dev.flywheel.app.tool.MergedModel;
import dev.flywheel.engine.model.WeightFormat;
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
        description = "Writes a Hugging Face folder whose weights are the base's with the adapter added, in the types"
                + " of the base.")
final class AdapterMergeCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "PEFT folder.") private Path folder;

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: the built-in one.") private @Nullable Path model;

    @Option(names = "--out", paramLabel = "DIR", required = true,
            description = "New folder.") private Path out;

    @Option(names = "--weights", paramLabel = "FORMAT", defaultValue = "stored",
            converter = WeightFormatConverter.class,
            description = "How the base was held when the adapter learned: stored, q8 or q4. It is merged into the weights"
                    + " as stored whichever it was, and answers a little differently than over q8 or q4. Default:"
                    + " ${DEFAULT-VALUE}.") private WeightFormat weights =
                            WeightFormat.STORED;

    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        Outputs.requireNewFolder("--out", out);
        MergedModel merged = MergedModel.write(
                ModelFolder.find(model), folder, weights, out, output.reading());
        output.print(merged, "merged %d modules into %s".formatted(merged.merged().size(), out));
        return 0;
    }
}
