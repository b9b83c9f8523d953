package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * The file in a data folder that tells where its running node's store listens on loopback, for commands of those who may read
 * the folder. Its owner alone may read it. It goes when the node stops; one that was killed leaves it behind, so it only
 * counts while the folder is held.
 */
public final class StoreAddress implements AutoCloseable {
    private static final String FILE = "store-address";

    private final Path file;

    private StoreAddress(Path file) {
        this.file = file;
    }

    /** Tells it, until it is closed. */
    static StoreAddress tell(Path folder, String target) {
        Path file = folder.resolve(FILE);
        try {
            Files.deleteIfExists(file);
            if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
                Files.createFile(file, PosixFilePermissions.asFileAttribute(
                        PosixFilePermissions.fromString("rw-------")));
            }
            Files.writeString(file, target);
        } catch (IOException e) {
            throw new StartException(
                    "file %s cannot be written (%s); see to the rights of its folder"
                            .formatted(file, FileProblem.words(e)),
                    e);
        }
        return new StoreAddress(file);
    }

    /** Returns what the node of a folder that is held told; null if it told nothing. */
    public static @Nullable String read(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            return Files.exists(file) ? Files.readString(file).strip() : null;
        } catch (IOException e) {
            throw new StartException(
                    "file %s cannot be read (%s); run it as the user that the node runs as"
                            .formatted(file, FileProblem.words(e)),
                    e);
        }
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new StartException("file %s cannot be deleted".formatted(file), e);
        }
    }
}
