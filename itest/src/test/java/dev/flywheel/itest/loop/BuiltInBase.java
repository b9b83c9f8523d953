package dev.flywheel.itest.loop;

import java.nio.file.Files;
import java.nio.file.Path;

/** The model folder that ships. */
final class BuiltInBase {
    private BuiltInBase() {}

    static Path folder() {
        Path at = Path.of("").toAbsolutePath();
        while (at != null) {
            Path folder = at.resolve("models/flywheel-base");
            if (Files.isRegularFile(folder.resolve("config.json"))) {
                return folder;
            }
            at = at.getParent();
        }
        throw new IllegalStateException("models/flywheel-base is not in this checkout");
    }
}
