package dev.flywheel.pipelines.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The checkpoints in a folder: {@code <folder>/<job>/chk-<n>/}, whose file {@code _metadata} is written last. */
public final class Checkpoints {
    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
    private static final String METADATA = "_metadata";
    private static final int WALKS_MAX = 10;

    private Checkpoints() {}

    /** Returns the newest checkpoint under a folder that was completed and is as it was written, empty if there is none. */
    public static Optional<Path> newest(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        return complete(folder).stream()
                .sorted(Comparator.comparing(Checkpoints::writtenAt)
                        .thenComparing(Checkpoints::number)
                        .reversed())
                .map(Path::getParent)
                .filter(Checkpoints::whole)
                .findFirst();
    }

    private static List<Path> complete(Path folder) throws IOException {
        for (int again = 0;; again++) {
            try (Stream<Path> files = Files.find(folder, 3,
                    (path, attributes) -> attributes.isRegularFile() && path.endsWith(METADATA))) {
                return files.toList();
            } catch (UncheckedIOException gone) {
                // One was removed while the folders were walked; there is a newer one.
                if (again == WALKS_MAX) {
                    throw gone.getCause();
                }
            }
        }
    }

    private static boolean whole(Path checkpoint) {
        try (Stream<Path> files = Files.list(checkpoint)) {
            for (Path file : files.filter(each -> !CheckedOutputStream.isPart(each)).toList()) {
                long unused = Checksum.verify(file);
            }
            return true;
        } catch (NoSuchFileException gone) {
            return false;
        } catch (IOException | UncheckedIOException damaged) {
            LOG.warn("checkpoint {} is passed over: {}", checkpoint, damaged.toString());
            return false;
        }
    }

    private static FileTime writtenAt(Path metadata) {
        try {
            return Files.getLastModifiedTime(metadata);
        } catch (IOException e) {
            return FileTime.fromMillis(0); // gone meanwhile
        }
    }

    private static int number(Path metadata) {
        String name = metadata.getName(metadata.getNameCount() - 2).toString();
        return name.matches("chk-[0-9]{1,9}") ? Integer.parseInt(name.substring(4)) : 0;
    }
}
