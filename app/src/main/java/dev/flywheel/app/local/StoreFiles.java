package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.store.Store;
import dev.flywheel.store.rocksdb.CheckProgress;
import dev.flywheel.store.rocksdb.CheckReport;
import dev.flywheel.store.rocksdb.StoreCheck;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The files of a store that no node has open: checked, copied, given back.
 *
 * <p>Holds the data folder as a node would, so the two cannot meet. A copy is made under another name, with every file synced
 * and checked, and moved to its place when it is good.
 */
public final class StoreFiles implements AutoCloseable {
    private static final String STORE = "store";
    private static final String SUMS = "SHA256SUMS";

    private final DataFolder data;
    private final Path store;

    /** What was copied, and what a check of the copy found. */
    public record Copied(int files, long bytes, CheckReport check) {}

    private StoreFiles(DataFolder data, Path store) {
        this.data = data;
        this.store = store;
    }

    /**
     * Takes the folder.
     *
     * @throws StartException if a node uses it, or there is no store in it
     */
    public static StoreFiles take(Path data) {
        if (!Files.isDirectory(data.resolve(STORE))) {
            throw new StartException(
                    "data folder %s holds no store; give the folder that ./flywheel up --data was given"
                            .formatted(data));
        }
        return new StoreFiles(DataFolder.take(data, 0, "--data"), data.resolve(STORE));
    }

    public CheckReport check(CheckProgress progress) {
        return StoreCheck.of(store, progress);
    }

    /** See {@link Store#acceptLoss}. */
    public long acceptLoss(long commits) {
        return Store.acceptLoss(store, commits);
    }

    /**
     * Copies the store.
     *
     * @param place a folder that is not there yet, or is empty
     * @throws StartException if it cannot be written, or the copy is damaged, as then the store is
     */
    public Copied backUp(Path place, CheckProgress progress) {
        return copy(store, place, progress, StoreFiles::writeSums);
    }

    /**
     * Copies a backup into a data folder without a store.
     *
     * @throws StartException if a file of the backup is not as it was, or there is a store already
     */
    public static Copied restore(Path backup, Path data, CheckProgress progress) {
        try (DataFolder folder = DataFolder.take(data, 0, "--data")) {
            Path store = folder.root().resolve(STORE);
            if (Files.exists(store) && !list(store).isEmpty()) {
                throw new StartException(
                        "data folder %s holds a store; give another one, or move its folder store away first"
                                .formatted(data));
            }
            requireSums(backup);
            return copy(backup, store, progress, copied -> {});
        }
    }

    /** Done with a copy before it is checked. */
    private interface Finish {
        void with(Path copied) throws IOException;
    }

    private static Copied copy(Path from, Path place, CheckProgress progress, Finish finish) {
        Path filled = place.resolveSibling("." + place.getFileName() + ".new");
        try {
            remove(filled);
            long bytes = 0;
            List<Path> files = list(from);
            for (Path file : files) {
                bytes += copyFile(from.resolve(file), filled.resolve(file));
            }
            finish.with(filled);
            CheckReport check = StoreCheck.of(filled, progress);
            if (!check.sound()) {
                throw new StartException(
                        "the copy of %s is damaged (%s: %s); nothing was made of it"
                                .formatted(from, check.damage().get(0).where(),
                                        check.damage().get(0).what()));
            }
            publish(filled, place);
            return new Copied(files.size(), bytes, check);
        } catch (IOException e) {
            throw new StartException("%s cannot be copied to %s (%s)".formatted(from, place,
                    FileProblem.words(e)), e);
        } finally {
            removeQuietly(filled);
        }
    }

    private static void publish(Path filled, Path place) throws IOException {
        try (Stream<Path> all = Files.walk(filled)) {
            for (Path path : all.filter(Files::isDirectory).toList()) {
                force(path, StandardOpenOption.READ);
            }
        }
        Files.deleteIfExists(place);
        Files.move(filled, place, StandardCopyOption.ATOMIC_MOVE);
        force(folderOf(place.toAbsolutePath()), StandardOpenOption.READ);
    }

    /** Of a file that is not a file system's root. */
    private static Path folderOf(Path file) {
        return Objects.requireNonNull(file.getParent(), "a root has no folder");
    }

    private static long copyFile(Path from, Path to) throws IOException {
        Files.createDirectories(folderOf(to));
        Files.copy(from, to);
        force(to, StandardOpenOption.WRITE);
        return Files.size(to);
    }

    private static void force(Path path, StandardOpenOption option) throws IOException {
        try (FileChannel channel = FileChannel.open(path, option)) {
            channel.force(true);
        }
    }

    /** Lines as {@code sha256sum -c} reads them. */
    private static void writeSums(Path folder) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Path file : list(folder)) {
            lines.add(Digest.ofFile(folder.resolve(file)).hex() + "  " + file);
        }
        Files.write(folder.resolve(SUMS), lines);
        force(folder.resolve(SUMS), StandardOpenOption.WRITE);
    }

    private static void requireSums(Path backup) {
        try {
            List<String> wanted = Files.readAllLines(backup.resolve(SUMS));
            List<String> found = new ArrayList<>();
            for (Path file : list(backup)) {
                found.add(Digest.ofFile(backup.resolve(file)).hex() + "  " + file);
            }
            if (!found.equals(wanted)) {
                wanted.removeAll(found);
                throw new StartException(
                        "backup %s is damaged: %s is missing or not as it was; use another backup"
                                .formatted(backup, wanted.isEmpty() ? "a file beside those that"
                                        : wanted.get(0).replaceFirst("^\\S+ +", "")));
            }
        } catch (IOException e) {
            throw new StartException(
                    "backup %s cannot be read (%s); give the folder that store backup made"
                            .formatted(backup, FileProblem.words(e)),
                    e);
        }
    }

    /** The files of a store, by name, without what no opening reads. */
    private static List<Path> list(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .map(folder::relativize)
                    .filter(file -> !file.startsWith(SUMS) && !file.endsWith("LOCK")
                            && !file.getFileName().toString().startsWith("LOG"))
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        } catch (IOException e) {
            throw new StartException("folder %s cannot be read (%s)".formatted(folder,
                    FileProblem.words(e)), e);
        }
    }

    private static void remove(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static void removeQuietly(Path folder) {
        try {
            remove(folder);
        } catch (IOException left) {
            // The next copy to this place removes it.
        }
    }

    @Override
    public void close() {
        data.close();
    }
}
