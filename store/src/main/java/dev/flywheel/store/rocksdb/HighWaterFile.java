package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.format.Tip;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The file {@code highwater}: the newest commit that may have been acknowledged, and its hash.
 *
 * <p>Outside the database, so that a tail which the database has lost without noticing is noticed. Two slots are written in
 * turn, each with a checksum and in a sector of its own: a torn write leaves the slot before it. The file keeps its size, so a
 * full disk does not stop it. One writer.
 */
final class HighWaterFile implements AutoCloseable {
    static final String NAME = "highwater";

    private static final long MAGIC = 0x464c595748494748L; // FLYWHIGH
    private static final int SLOT_BYTES = 4_096;
    private static final int HASH_BYTES = 32;
    private static final int CHECKED_BYTES = 3 * Long.BYTES + 1 + HASH_BYTES;

    private final Path folder;
    // Not a channel: that one closes when a thread is interrupted, as the writer is to end it.
    private final RandomAccessFile file;
    private long turn;

    /** How the two slots were found. */
    record Slots(List<Slot> readable, int broken) {
        /** What was written last, null if nothing can be read. */
        @Nullable
        Tip newest() {
            return readable.stream()
                    .max(Comparator.comparingLong(Slot::turn))
                    .map(Slot::mark)
                    .orElse(null);
        }
    }

    private record Slot(long turn, Tip mark) {}

    private HighWaterFile(Path folder, RandomAccessFile file, long turn) {
        this.folder = folder;
        this.file = file;
        this.turn = turn;
    }

    /** Opens what there is for writing. */
    static HighWaterFile open(Path folder) {
        long turn = read(folder).readable().stream().mapToLong(Slot::turn).max().orElse(0);
        try {
            return new HighWaterFile(folder,
                    new RandomAccessFile(folder.resolve(NAME).toFile(), "rw"), turn);
        } catch (IOException failure) {
            throw failed(folder, "opened", failure);
        }
    }

    static boolean present(Path folder) {
        return Files.exists(folder.resolve(NAME));
    }

    static Slots read(Path folder) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(folder.resolve(NAME));
        } catch (IOException failure) {
            throw failed(folder, "read", failure);
        }
        List<Slot> readable = new ArrayList<>();
        int broken = 0;
        for (int start = 0; start < 2 * SLOT_BYTES; start += SLOT_BYTES) {
            Slot slot = bytes.length < start + SLOT_BYTES ? null
                    : parse(ByteBuffer.wrap(bytes, start, SLOT_BYTES).slice());
            if (slot == null) {
                broken++;
            } else {
                readable.add(slot);
            }
        }
        return new Slots(readable, broken);
    }

    private static @Nullable Slot parse(ByteBuffer slot) {
        if (crc(slot) != slot.getInt(CHECKED_BYTES) || slot.getLong() != MAGIC) {
            return null;
        }
        long turn = slot.getLong();
        long commit = slot.getLong();
        byte[] hash = new byte[slot.get() == 0 ? 0 : HASH_BYTES];
        slot.get(hash);
        return new Slot(turn, Tip.newBuilder()
                .setCommit(commit)
                .setHash(ByteString.copyFrom(hash))
                .build());
    }

    private static ByteBuffer slot(long turn, Tip mark) {
        ByteBuffer slot = ByteBuffer.allocate(SLOT_BYTES);
        slot.putLong(MAGIC)
                .putLong(turn)
                .putLong(mark.getCommit())
                .put((byte) (mark.getHash().isEmpty() ? 0 : 1))
                .put(mark.getHash().toByteArray());
        return slot.putInt(CHECKED_BYTES, crc(slot));
    }

    private static int crc(ByteBuffer slot) {
        CRC32C crc = new CRC32C();
        crc.update(slot.duplicate().position(0).limit(CHECKED_BYTES));
        return (int) crc.getValue();
    }

    /** Makes the file, or takes the place of one that is wrong; whole and durable when it returns. */
    static void make(Path folder, Tip mark) {
        Path temporary = folder.resolve(NAME + ".tmp");
        byte[] bytes = new byte[2 * SLOT_BYTES];
        slot(0, mark).rewind().get(bytes, 0, SLOT_BYTES);
        slot(1, mark).rewind().get(bytes, SLOT_BYTES, SLOT_BYTES);
        try {
            Files.write(temporary, bytes);
            force(temporary, StandardOpenOption.WRITE);
            Files.move(temporary, folder.resolve(NAME), StandardCopyOption.ATOMIC_MOVE);
            force(folder, StandardOpenOption.READ);
        } catch (IOException failure) {
            throw failed(folder, "written", failure);
        }
    }

    private static void force(Path path, StandardOpenOption option) throws IOException {
        try (FileChannel channel = FileChannel.open(path, option)) {
            channel.force(true);
        }
    }

    /** Survives the process when it returns, the machine after {@link #force}. */
    void write(Tip mark) {
        try {
            turn++;
            file.seek((turn & 1) * SLOT_BYTES);
            file.write(slot(turn, mark).array());
        } catch (IOException failure) {
            throw failed(folder, "written", failure);
        }
    }

    void force() {
        try {
            file.getFD().sync();
        } catch (IOException failure) {
            throw failed(folder, "synced", failure);
        }
    }

    private static StoreException failed(Path folder, String what, IOException failure) {
        return new StoreException(Kind.IO, "file " + NAME + " of store folder " + folder
                + " cannot be " + what + ": " + failure.getMessage(), failure);
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException failure) {
            throw failed(folder, "closed", failure);
        }
    }
}
