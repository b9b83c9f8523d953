package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.config.FlywheelConfig;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The folder that holds a process's state, held by one process at a time.
 *
 * <p>The lock is the operating system's, so it goes with the process however that ends. Closing releases it.
 */
public final class DataFolder implements AutoCloseable {
    /**
     * Real paths of the folders that this process holds. To Linux a lock is the process's: closing any second handle of the
     * lock file would give up the lock, so none may be opened.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path root;
    private final Path realRoot;
    private final FileChannel lockFile;
    private final String option;

    private DataFolder(Path root, Path realRoot, FileChannel lockFile, String option) {
        this.root = root;
        this.realRoot = realRoot;
        this.lockFile = lockFile;
        this.option = option;
    }

    /**
     * Makes the folder if need be and takes it.
     *
     * @param option what the user gives to have another folder, such as {@code --data}
     * @throws StartException if it cannot be written, is held already or its disk is too full
     */
    public static DataFolder take(Path root, int freeMibMin, String option) {
        try {
            Files.createDirectories(root);
            requireSpace(root, freeMibMin, option);
            return hold(root, option);
        } catch (IOException e) {
            throw new StartException(
                    "data folder %s cannot be used (%s); give one that this user can write with %s"
                            .formatted(root, FileProblem.words(e), option),
                    e);
        }
    }

    /** The same for a process with roles, which logs into it as its settings say. */
    static DataFolder open(RoleContext context, Path root, String option) {
        FlywheelConfig.Data data = context.config().data();
        DataFolder folder =
                context.closing().add("data folder", () -> take(root, data.freeMibMin(), option));
        if (data.logMibMax() > 0) {
            LogFile.open(folder.folder("log"), data.logMibMax());
        }
        return folder;
    }

    private static DataFolder hold(Path root, String option) throws IOException {
        Path realRoot = root.toRealPath();
        if (!HELD.add(realRoot)) {
            throw inUse(root, option);
        }
        boolean held = false;
        try {
            DataFolder folder = new DataFolder(root, realRoot, lock(root, option), option);
            held = true;
            return folder;
        } finally {
            if (!held) {
                HELD.remove(realRoot);
            }
        }
    }

    private static FileChannel lock(Path root, String option) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        root.resolve("flywheel.lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
        if (channel.tryLock() == null) {
            channel.close();
            throw inUse(root, option);
        }
        return channel;
    }

    private static StartException inUse(Path root, String option) {
        return new StartException(
                "data folder %s is in use by another flywheel process; stop that one or give another folder with %s"
                        .formatted(root, option));
    }

    /** Throws {@link StartException} if the folder's disk has less than {@code freeMibMin} MiB left. */
    void requireSpace(int freeMibMin) throws IOException {
        requireSpace(root, freeMibMin, option);
    }

    private static void requireSpace(Path root, int freeMibMin, String option)
            throws IOException {
        long freeMib = freeMib(root);
        if (freeMib < freeMibMin) {
            throw new StartException(
                    "disk of data folder %s has %d MiB free, data.free_mib_min asks for %d; free some space, give a folder on another disk with %s, or lower data.free_mib_min"
                            .formatted(root, freeMib, freeMibMin, option));
        }
    }

    private static long freeMib(Path root) throws IOException {
        return Files.getFileStore(root).getUsableSpace() >> 20;
    }

    /** Returns the MiB left on the folder's disk. */
    public long freeMib() throws IOException {
        return freeMib(root);
    }

    public Path root() {
        return root;
    }

    public Path folder(String name) {
        Path folder = root.resolve(name);
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new StartException(
                    "folder %s cannot be made (%s); see to the rights of its parent"
                            .formatted(folder, FileProblem.words(e)),
                    e);
        }
    }

    @Override
    public void close() {
        try {
            lockFile.close();
        } catch (IOException e) {
            throw new StartException("lock of " + root + " cannot be released", e);
        } finally {
            HELD.remove(realRoot);
        }
    }
}
