package dev.flywheel.store.rocksdb;

import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The database that is open now; it can be closed and opened again under running readers.
 *
 * <p>Invariant: native handles are freed only while nobody uses them. Thread-safe; owns the database.
 */
final class SharedDatabase implements AutoCloseable {
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private @Nullable Database current;

    SharedDatabase(Database first) {
        this.current = first;
    }

    <T> T use(Function<Database, T> work) {
        lock.readLock().lock();
        try {
            Database db = current;
            if (db == null) {
                throw new StoreException(Kind.UNAVAILABLE, "the store is not open");
            }
            return work.apply(db);
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Closes what is open, then opens. Readers do not wait meanwhile, which may take as long as checking all files does: they
     * are told that the store is not open; so they are between a failed opening and the next one.
     */
    void replace(Supplier<Database> opening) {
        close();
        Database opened = opening.get();
        lock.writeLock().lock();
        try {
            current = opened;
        } finally {
            lock.writeLock().unlock();
        }
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            Database db = current;
            current = null;
            if (db != null) {
                db.close();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
