package dev.flywheel.store.rocksdb;

import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * The file {@code format}, which says in one line of text how the rest of the folder is written.
 *
 * <p>Outside the database, so that a program which could not open a newer one can still say why. Written last when a store is
 * made: a folder without it holds nothing that was ever acknowledged.
 */
final class FormatFile {
    static final int CURRENT = 2;

    private static final String TITLE = "flywheel store format ";

    private final Path folder;

    FormatFile(Path folder) {
        this.folder = folder;
    }

    /** Whether an older program made the store, which reads no more what this one is going to write. */
    boolean older() {
        return read(folder.resolve("format")) < CURRENT;
    }

    /** Whether the store has been made; throws if a newer program made it. */
    boolean present() {
        Path file = folder.resolve("format");
        if (!Files.exists(file)) {
            return false;
        }
        int format = read(file);
        if (format > CURRENT) {
            throw new StoreException(Kind.FORMAT_TOO_NEW, "store folder " + folder
                    + " has format " + format + ", this program reads up to " + CURRENT
                    + "; use the newer program or restore an older backup");
        }
        return true;
    }

    private int read(Path file) {
        try {
            String text = Files.readString(file).strip();
            if (!text.startsWith(TITLE)) {
                throw new StoreException(Kind.CORRUPT, "store folder " + folder
                        + " has a format file that does not start with '" + TITLE.strip() + "'");
            }
            return Integer.parseInt(text.substring(TITLE.length()));
        } catch (NumberFormatException notANumber) {
            throw new StoreException(Kind.CORRUPT,
                    "store folder " + folder + " has a format file without a number", notANumber);
        } catch (IOException failure) {
            throw new StoreException(Kind.IO,
                    "format file of store folder " + folder + " cannot be read", failure);
        }
    }

    /** Durable when it returns: bytes, then name, then folder. */
    void write() {
        Path temporary = folder.resolve("format.tmp");
        try {
            Files.writeString(temporary, TITLE + CURRENT + "\n", StandardCharsets.UTF_8);
            force(temporary, StandardOpenOption.WRITE);
            Files.move(temporary, folder.resolve("format"), StandardCopyOption.ATOMIC_MOVE);
            force(folder, StandardOpenOption.READ);
        } catch (IOException failure) {
            throw new StoreException(Kind.IO,
                    "format file of store folder " + folder + " cannot be written", failure);
        }
    }

    private static void force(Path path, StandardOpenOption option) throws IOException {
        try (FileChannel channel = FileChannel.open(path, option)) {
            channel.force(true);
        }
    }
}
