package dev.flywheel.app.cli;

import dev.flywheel.app.console.Progress;
import dev.flywheel.app.tool.RandomModelFolder;
import dev.flywheel.engine.model.NamedShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A model to measure on. */
@Command(
        name = "random",
        mixinStandardHelpOptions = true,
        description = {
            "Writes a model folder of a known shape with random weights and the built-in tokenizer, to measure speed and memory on: it"
                    + " runs as fast as the real one and says nothing of sense.",
            "The same shape and seed give the same files on every machine."
        })
final class ModelRandomCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--shape", required = true, paramLabel = "NAME",
            description = "Shape: smollm2-135m, qwen2.5-0.5b or llama-3.2-1b.") private String shape =
                    "";

    @Option(names = "--out", required = true, paramLabel = "DIR",
            description = "Folder for the model, new or empty.") private Path out = Path.of("");

    @Option(names = "--seed", paramLabel = "N",
            description = "Seed of the weights. Default: ${DEFAULT-VALUE}.") private long seed = 1;

    /** What was written. */
    private record Written(String shape, String folder, long parameters, long seed) {}

    @Override
    public Integer call() throws IOException {
        NamedShape named = NamedShape.labelled(shape)
                .orElseThrow(() -> new ParameterException(spec.commandLine(),
                        "--shape is '" + shape + "', must be one of "
                                + String.join(", ", NamedShape.labels())));
        NewFolder.require(out);
        RandomModelFolder model = new RandomModelFolder(out, named, ModelFolder.find(null));
        Progress progress = new Progress(output.progress(), output.watched(), "weights",
                model.parameters(), System.nanoTime());
        model.write(seed, done -> progress.update(done, "", System.nanoTime()));
        output.print(new Written(shape, out.toString(), model.parameters(), seed),
                String.format(Locale.ROOT, "wrote %s: %,d random weights of the shape of %s", out,
                        model.parameters(), shape));
        return 0;
    }
}
