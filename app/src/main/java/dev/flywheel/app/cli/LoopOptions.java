package dev.flywheel.app.cli;

import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of every command that starts the whole loop in one process. */
final class LoopOptions {
    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Folder of the base model, as Hugging Face has them: config.json, *.safetensors, tokenizer.json."
                    + " Default: the built-in one.")
    @Nullable Path model;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "YAML file with the settings that differ from the defaults; ./flywheel config prints them all.")
    @Nullable Path config;

    @Option(
            names = "--weights",
            paramLabel = "FORMAT",
            converter = WeightFormatConverter.class,
            description = "How the base's linear layers are held: stored, q8 or q4 (quantized when they are loaded)."
                    + " Default: the setting engine.weights.")
    @Nullable WeightFormat weights;

    Path modelFolder() {
        return ModelFolder.find(model);
    }

    /**
     * Reads the settings.
     *
     * @param defaults what the command sets unless the file says otherwise
     * @param overrides what its own options say, over all
     */
    FlywheelConfig settings(Map<String, Object> defaults, Map<String, Object> overrides) {
        Map<String, Object> all = new HashMap<>(overrides);
        all.putAll(overrides());
        return new ConfigLoader().load(defaults, config, all);
    }

    /** Returns what these options say over the file with the settings. */
    Map<String, Object> overrides() {
        return weights == null ? Map.of() : Map.of("engine.weights", weights.label());
    }
}
