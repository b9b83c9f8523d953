package dev.flywheel.app.tool;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder of files that appears whole or not at all: it is filled under a hidden name on the same
 * disk and moved to its place when it is {@linkplain #publish() done}. Closing it before that removes
 * what was written.
 */
final class NewFolder implements AutoCloseable {
    private final Path place;
    private final boolean inside;
    private final Path filled;

    private NewFolder(Path place, boolean inside, Path filled) {
        this.place = place;
        this.inside = inside;
        this.filled = filled;
    }

    /**
     * Begins a folder.
     *
     * @param place not there yet, or an empty folder: that one stays, as it may be a disk of its own
     */
    static NewFolder begin(Path place) throws IOException {
        boolean inside = Files.isDirectory(place);
        Path around = inside ? place
                : Files.createDirectories(place.toAbsolutePath().normalize().getParent());
        Path filled = Files.createTempDirectory(around, ".flywheel-new-", asFoldersAre(around));
        return new NewFolder(place, inside, filled);
    }

    /** A temporary folder is nobody else's; the finished one has the rights that the user gives new folders. */
    private static FileAttribute<?>[] asFoldersAre(Path around) {
        return FileSystems.getDefault().equals(around.getFileSystem())
                && around.getFileSystem().supportedFileAttributeViews().contains("posix")
                        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwxrwxrwx"))}
                        : new FileAttribute<?>[0];
    }

    /** Returns where the files go. */
    Path path() {
        return filled;
    }

    /** Puts the folder in its place. */
    void publish() throws IOException {
        if (!inside) {
            Files.move(filled, place, StandardCopyOption.ATOMIC_MOVE);
            return;
        }
        for (Path file : files()) {
            Files.move(file, place.resolve(file.getFileName()), StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(filled)) {
            return files.sorted().toList();
        }
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(filled)) {
            for (Path file : files()) {
                Files.delete(file);
            }
            Files.delete(filled);
        }
    }
}
