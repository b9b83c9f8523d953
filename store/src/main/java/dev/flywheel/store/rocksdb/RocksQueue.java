package dev.flywheel.store.rocksdb;

import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.queue.DurableQueue;
import dev.flywheel.store.queue.QueueLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import org.rocksdb.CompressionType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteOptions;

/**
 * A queue in a RocksDB of its own: the number of a record is its key. What is appended and soon removed stays in the memtable and
 * its log, and is never written into a table. Where RocksDB would make a writer wait, the record is not taken.
 *
 * <p>Invariants: {@code bytes} is the sum over the records that are there, and never above the limit; {@code next} is above every
 * number in use. Native memory is freed only while nobody uses it.
 */
public final class RocksQueue implements DurableQueue {
    private static final long MEMTABLE_BYTES = 8L << 20;
    private static final long WAL_BYTES_MAX = 64L << 20;

    private final ReentrantReadWriteLock open = new ReentrantReadWriteLock();
    private final QueueLimits limits;
    private final Options options;
    private final WriteOptions unsynced;
    private final RocksDB db;
    // Guarded by this.
    private long next;
    private long size;
    private long bytes;
    // Guarded by the lock.
    private boolean closed;

    static {
        RocksDB.loadLibrary();
    }

    /** As {@link DurableQueue#open}. */
    public static RocksQueue open(Path folder, QueueLimits limits, Consumer<Entry> found) {
        try {
            Files.createDirectories(folder);
            RocksQueue queue = new RocksQueue(folder, limits);
            boolean read = false;
            try {
                queue.each(found);
                read = true;
                return queue;
            } finally {
                if (!read) {
                    queue.close();
                }
            }
        } catch (RocksDBException failure) {
            throw Failures.of("opening queue folder " + folder, failure);
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "queue folder " + folder + " cannot be made: "
                    + failure.getMessage(), failure);
        }
    }

    private RocksQueue(Path folder, QueueLimits limits) throws RocksDBException {
        this.limits = limits;
        this.unsynced = new WriteOptions().setSync(false).setNoSlowdown(true);
        this.options = new Options()
                .setCreateIfMissing(true)
                .setWalRecoveryMode(WALRecoveryMode.TolerateCorruptedTailRecords)
                .setParanoidChecks(true)
                .setWriteBufferSize(MEMTABLE_BYTES)
                .setMaxTotalWalSize(WAL_BYTES_MAX)
                .setCompressionType(CompressionType.LZ4_COMPRESSION)
                .setMaxBackgroundJobs(2)
                .setMaxOpenFiles(64)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setKeepLogFileNum(4);
        boolean opened = false;
        try {
            this.db = RocksDB.open(options, folder.toString());
            opened = true;
        } finally {
            if (!opened) {
                options.close();
                unsynced.close();
            }
        }
    }

    private void each(Consumer<Entry> found) {
        try (RocksIterator all = db.newIterator()) {
            for (all.seekToFirst(); all.isValid(); all.next()) {
                Entry entry = new Entry(Keys.number(all.key()), all.value());
                next = entry.number() + 1;
                size++;
                bytes += entry.bytes().length;
                found.accept(entry);
            }
            all.status();
        } catch (RocksDBException failure) {
            throw Failures.of("reading the queue", failure);
        }
    }

    @Override
    public OptionalLong append(byte[] record) {
        return using(() -> {
            synchronized (this) {
                if (record.length > limits.recordBytesMax()
                        || bytes + record.length > limits.bytesMax()) {
                    return OptionalLong.empty();
                }
                db.put(unsynced, Keys.number(next), record);
                size++;
                bytes += record.length;
                return OptionalLong.of(next++);
            }
        });
    }

    @Override
    public List<Entry> read(long from, int countMax) {
        return using(() -> {
            List<Entry> entries = new ArrayList<>();
            try (RocksIterator some = db.newIterator()) {
                some.seek(Keys.number(from));
                while (some.isValid() && entries.size() < countMax) {
                    entries.add(new Entry(Keys.number(some.key()), some.value()));
                    some.next();
                }
                some.status();
            }
            return entries;
        });
    }

    @Override
    public void remove(Entry entry) {
        var unused = using(() -> {
            byte[] key = Keys.number(entry.number());
            synchronized (this) {
                if (db.get(key) != null) {
                    db.delete(unsynced, key);
                    size--;
                    bytes -= entry.bytes().length;
                }
            }
            return true;
        });
    }

    @Override
    public void sync() {
        var unused = using(() -> {
            db.syncWal();
            return true;
        });
    }

    @Override
    public synchronized long size() {
        return size;
    }

    @Override
    public synchronized long bytes() {
        return bytes;
    }

    /** What may fail as RocksDB does. */
    private interface Work<T> {
        T run() throws RocksDBException;
    }

    private <T> T using(Work<T> work) {
        open.readLock().lock();
        try {
            if (closed) {
                throw new StoreException(Kind.UNAVAILABLE, "the queue is closed");
            }
            return work.run();
        } catch (RocksDBException failure) {
            throw Failures.of("using the queue", failure);
        } finally {
            open.readLock().unlock();
        }
    }

    @Override
    public void close() {
        open.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                db.close();
                options.close();
                unsynced.close();
            }
        } finally {
            open.writeLock().unlock();
        }
    }
}
