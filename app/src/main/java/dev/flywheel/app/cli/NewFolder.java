package dev.flywheel.app.cli;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The folder given with {@code --out}: what cannot be written is told before the work, not after it. */
final class NewFolder {
    private NewFolder() {}

    /**
     * Makes it if it is missing.
     *
     * @throws StartException if it is not empty or cannot be written to
     */
    static void require(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            make(folder);
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new StartException("--out %s is a file; give a new folder".formatted(folder));
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.findAny().isPresent()) {
                throw new StartException(
                        "--out %s is not empty; give a new folder, nothing is overwritten"
                                .formatted(folder));
            }
        }
        if (!Files.isWritable(folder)) {
            throw new StartException(
                    "--out %s cannot be written to; give a new folder".formatted(folder));
        }
    }

    private static void make(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new StartException(
                    "--out %s cannot be made (%s); give a new folder where you may write"
                            .formatted(folder, FileProblem.words(e)),
                    e);
        }
    }
}
