package dev.flywheel.store.queue;

import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Records in the order in which they were appended, kept on disk until they are removed.
 *
 * <p>A record survives the end of the process as soon as {@link #append} has returned, and the end of the machine after the next
 * {@link #sync}. One that is being removed when either happens may be there again: whoever takes records must bear to see one
 * twice. Thread-safe; failures are {@link dev.flywheel.store.core.StoreException}.
 */
public interface DurableQueue extends AutoCloseable {

    /**
     * A record and its number; numbers grow, and while the queue is open none is used again.
     *
     * @param bytes the record itself, not to be changed
     */
    record Entry(long number, byte[] bytes) {}

    /** Takes a record and returns its number; empty if it would break a limit or have to wait for the disk, which changes nothing. */
    OptionalLong append(byte[] record);

    /**
     * Returns the oldest records from a number on, in order.
     *
     * @param countMax most records to return, at least 1
     */
    List<Entry> read(long from, int countMax);

    /** Removes a record; returns whether it was there. Only one thread may remove. */
    boolean remove(Entry entry);

    /** Returns once all that was appended before would survive the end of the machine. */
    void sync();

    /**
     * Closes the files and opens them again, which it takes after a failure; until it has, records are refused. No record that was
     * appended is lost but with damaged files, which are put aside.
     *
     * @param found is asked for once for each try; the last one is handed every record that is there, in order, before this returns
     */
    void reopen(Supplier<Consumer<Entry>> found);

    /** Returns how many records are there. */
    long size();

    /** Returns the bytes of all records together. */
    long bytes();

    @Override
    void close();
}
