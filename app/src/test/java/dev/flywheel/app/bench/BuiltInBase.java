package dev.flywheel.app.bench;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the base that this checkout brings along lies. */
public final class BuiltInBase {
    private BuiltInBase() {}

    public static Path folder() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path folder = at.resolve("models/flywheel-base");
            if (Files.isRegularFile(folder.resolve("config.json"))) {
                return folder;
            }
        }
        throw new IllegalStateException("models/flywheel-base is not in this checkout");
    }
}
