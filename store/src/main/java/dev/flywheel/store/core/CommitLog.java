package dev.flywheel.store.core;

import java.util.List;

/**
 * Where facts are kept. One writer at a time calls it; reads through {@link #history} may run beside it.
 *
 * <p>Facts of one command are appended whole or not at all, in the order of the calls, and are durable once {@link #sync}
 * returns. A crash keeps some prefix of what was appended that covers everything synced. Every method may throw
 * {@link StoreException}; after one of kind IO the log takes no further append until {@link #reopen}.
 */
public interface CommitLog extends AutoCloseable {

    /** The state after the last append. */
    StoreState load();

    CommitHistory history();

    /** Appends one command's facts; {@code after} is the state with them applied. Not durable before {@link #sync}. */
    void append(List<Fact> facts, StoreState after, long atMillis);

    /**
     * Stores bytes under their SHA-256, which the caller has computed; durable with the next {@link #sync}. A blob that no
     * version refers to within {@link Retention#orphanBlobsKept} may be dropped.
     */
    void putBlob(String digest, byte[] bytes, long atMillis);

    void sync();

    /** Called once what was synced has been acknowledged: does what nobody need wait for, such as marking how far it goes. */
    void settle();

    /** Closes and opens it again, after an I/O error. */
    void reopen(long atMillis);

    @Override
    void close();
}
