package dev.flywheel.app.cli;

import dev.flywheel.app.console.Progress;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.trainer.pretrain.PretrainProgress;
import dev.flywheel.trainer.pretrain.PretrainReport;
import dev.flywheel.trainer.pretrain.PretrainSettings;
import dev.flywheel.trainer.pretrain.Pretraining;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes the built-in base model from nothing. */
@Command(
        name = "pretrain",
        mixinStandardHelpOptions = true,
        description = {
            "Makes the built-in base model again: trains it from nothing on generated texts and writes it as"
                    + " a Hugging Face folder.",
            "Takes some minutes with the default steps.",
            "The same seed, steps and backend give the same weights."
        })
public final class PretrainCommand implements Callable<Integer> {
    private static final PretrainSettings STANDARD = PretrainSettings.standard();

    @Spec private CommandSpec spec;
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--out", required = true, paramLabel = "DIR",
            description = "Folder for the model, new or empty.") private Path out;

    @Option(names = "--seed", paramLabel = "N",
            description = "Seed of weights and texts. Default: ${DEFAULT-VALUE}.") private long seed =
                    STANDARD.seed();

    @Option(names = "--steps", paramLabel = "N",
            description = "Optimizer steps. Default: ${DEFAULT-VALUE}.") private int steps =
                    STANDARD.steps();

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads that compute. Default: one for each core.") private int threads =
                    Runtime.getRuntime().availableProcessors();

    @Override
    public Integer call() throws IOException {
        UsageChecks.requireAtLeast(spec, "--steps", steps, 1);
        UsageChecks.requireAtLeast(spec, "--threads", threads, 1);
        Progress progress =
                new Progress(
                        output.progress(), output.watched(), "steps", steps, System.nanoTime());
        try (Backend backend = Backends.open("cpu", threads)) {
            PretrainSettings settings = STANDARD.withSeed(seed).withSteps(steps);
            NewFolder.require(out);
            PretrainReport report =
                    new Pretraining(settings, backend, new DeviceLoop(1, System::nanoTime),
                            System::nanoTime)
                            .run(out, command(), step -> show(progress, step));
            output.print(report, text(report));
        }
        return 0;
    }

    private static void show(Progress progress, PretrainProgress step) {
        String note = String.format(Locale.ROOT, "loss %.3f  %,.0f tokens/s", step.loss(),
                step.tokensPerSecond());
        progress.update(step.step(), note, System.nanoTime());
    }

    /** How to make the same weights again. */
    private String command() {
        return "./flywheel pretrain --out DIR --seed %d --steps %d".formatted(seed, steps);
    }

    private String text(PretrainReport report) {
        return "wrote %s%n%s".formatted(out, JsonFile.text(report));
    }
}
