package dev.flywheel.app.cli;

import dev.flywheel.app.tool.EngineSession;
import dev.flywheel.app.tool.Prompt;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of every command that runs a model once. */
final class EngineOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: the built-in one.")
    @Nullable Path model;

    @Option(names = "--adapter", paramLabel = "DIR",
            description = "Adapter over it, a PEFT folder. Default: the bare base.")
    @Nullable Path adapter;

    @Mixin private DeviceOptions device = new DeviceOptions();

    @Option(names = "--weights", paramLabel = "FORMAT", defaultValue = "stored",
            converter = WeightFormatConverter.class,
            description = "How the base's linear layers are held: stored, q8 or q4 (quantized when they are loaded)."
                    + " Default: ${DEFAULT-VALUE}.") WeightFormat weights =
                            WeightFormat.STORED;

    /** Returns the base model's folder; what else was given is looked at before it. */
    Path folder() {
        device.check(spec);
        return ModelFolder.find(model);
    }

    /** Opens the model with the adapters that prompts run over. */
    EngineSession open(List<Prompt> prompts, LoadProgress progress) {
        Set<Path> adapters = new LinkedHashSet<>();
        for (Prompt prompt : prompts) {
            if (prompt.adapter() != null) {
                adapters.add(prompt.adapter());
            }
        }
        return EngineSession.open(folder(), adapters, device.backend,
                device.threads, weights, progress);
    }

    /** Opens the model with the adapter that {@code --adapter} names, if any. */
    EngineSession open(LoadProgress progress) {
        return EngineSession.open(folder(), adapter == null ? Set.of() : Set.of(adapter),
                device.backend, device.threads, weights, progress);
    }
}
