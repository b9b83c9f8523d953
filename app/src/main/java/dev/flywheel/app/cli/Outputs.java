package dev.flywheel.app.cli;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Places that a command is told to write to, looked at before the work. */
final class Outputs {
    private Outputs() {}

    /** Fails if {@code file} cannot be written. */
    static void requireFile(String option, Path file) {
        Path folder = file.toAbsolutePath().getParent();
        boolean writable = folder != null
                && Files.isWritable(Files.exists(file) ? file : folder)
                && !Files.isDirectory(file);
        if (!writable) {
            throw new StartException(
                    "file %s given with %s cannot be written: its folder is missing or not writable, or it is a folder"
                            .formatted(file, option));
        }
    }

    /** Fails if {@code folder} holds anything: nothing is overwritten. */
    static void requireNewFolder(String option, Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new StartException(
                    "%s %s is a file; give a new folder".formatted(option, folder));
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.findAny().isPresent()) {
                throw new StartException(
                        "%s %s is not empty; give a new folder, nothing is overwritten"
                                .formatted(option, folder));
            }
        } catch (IOException e) {
            throw new StartException(
                    "%s %s cannot be read (%s); give a new folder"
                            .formatted(option, folder, FileProblem.words(e)),
                    e);
        }
    }
}
