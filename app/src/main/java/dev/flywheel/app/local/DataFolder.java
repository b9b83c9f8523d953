package dev.flywheel.app.local;

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

    private DataFolder(Path root, Path realRoot, FileChannel lockFile) {
        this.root = root;
        this.realRoot = realRoot;
        this.lockFile = lockFile;
    }

    /**
     * Makes the folder if need be and takes it.
     *
     * @throws StartException if it cannot be written, is held already or its disk is too full
     */
    public static DataFolder take(Path root, int freeMibMin) {
        try {
            Files.createDirectories(root);
            requireSpace(root, freeMibMin);
            return hold(root);
        } catch (IOException e) {
            throw new StartException(
                    "data folder %s cannot be used (%s); give one that this user can write with --data"
                            .formatted(root, reason(e)),
                    e);
        }
    }

    private static DataFolder hold(Path root) throws IOException {
        Path realRoot = root.toRealPath();
        if (!HELD.add(realRoot)) {
            throw inUse(root);
        }
        boolean held = false;
        try {
            DataFolder folder = new DataFolder(root, realRoot, lock(root));
            held = true;
            return folder;
        } finally {
            if (!held) {
                HELD.remove(realRoot);
            }
        }
    }

    private static FileChannel lock(Path root) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        root.resolve("flywheel.lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
        if (channel.tryLock() == null) {
            channel.close();
            throw inUse(root);
        }
        return channel;
    }

    private static StartException inUse(Path root) {
        return new StartException(
                "data folder %s is in use by another flywheel process; stop that one or give another folder with --data"
                        .formatted(root));
    }

    /** Throws {@link StartException} if the folder's disk has less than {@code freeMibMin} MiB left. */
    static void requireSpace(Path root, int freeMibMin) throws IOException {
        long freeMib = freeMib(root);
        if (freeMib < freeMibMin) {
            throw new StartException(
                    "disk of data folder %s has %d MiB free, data.free_mib_min asks for %d; free some space or give a folder on another disk with --data"
                            .formatted(root, freeMib, freeMibMin));
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
            throw new StartException("folder %s cannot be made (%s)".formatted(folder, reason(e)),
                    e);
        }
    }

    private static String reason(IOException e) {
        String message = e.getMessage();
        return e.getClass().getSimpleName() + (message == null ? "" : ": " + message);
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
