package dev.flywheel.app.cli;

import dev.flywheel.app.local.StartException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Finds the base model: the folder given, else the built-in one beside the launcher. */
final class ModelFolder {
    private static final String HOME = "flywheel.home";
    private static final String BUILT_IN = "models/flywheel-base";

    private ModelFolder() {}

    /**
     * Returns the folder.
     *
     * @throws StartException if there is none
     */
    static Path find(@Nullable Path given) {
        Path folder =
                given == null ? Path.of(System.getProperty(HOME, ".")).resolve(BUILT_IN) : given;
        if (!Files.isRegularFile(folder.resolve("config.json"))) {
            throw new StartException(
                    ("model folder %s has no config.json; give a Hugging Face folder (config.json, *.safetensors,"
                            + " tokenizer.json) with --model")
                            .formatted(folder));
        }
        return folder;
    }
}
