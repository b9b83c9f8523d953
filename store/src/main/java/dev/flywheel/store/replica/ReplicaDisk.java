package dev.flywheel.store.replica;

import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Where a replica lies: keys and values on four shelves. What has been written survives the end of the process, and the end of the
 * machine after the next {@link #sync}. Thread-safe; failures are {@link dev.flywheel.store.core.StoreException}.
 */
public interface ReplicaDisk extends AutoCloseable {

    /** A kind of entry. Their names and keys are the disk format. */
    enum Shelf {
        /** One entry: how far the store was followed. */
        STANDING,
        /** By adapter name. */
        ADAPTERS,
        /** By digest: size and last use of each blob. */
        USES,
        /** By digest: weights. */
        BLOBS
    }

    /** An entry that is to be written, or to go if {@code value} is null. */
    record Change(Shelf shelf, byte[] key, byte @Nullable [] value) {}

    /**
     * Opens the files, again if they were open, or makes them. What a newer program wrote, and what is damaged, is put aside, and a new
     * replica is begun.
     */
    void open();

    /** Puts what is there aside, which holds what cannot be read, and begins anew. */
    void renew(String why);

    /** Hands over every entry of a shelf, in the order of their keys. */
    void read(Shelf shelf, BiConsumer<byte[], byte[]> each);

    byte @Nullable [] get(Shelf shelf, byte[] key);

    /** Writes all changes or none. */
    void write(List<Change> changes);

    /** Returns once what was written before would survive the end of the machine. */
    void sync();

    @Override
    void close();
}
