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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.rocksdb.CompressionType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Status;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue in a RocksDB of its own: the number of a record is its key. What is soon removed costs a place in the memtable and its log.
 * Where RocksDB would make a writer wait, the record is not taken.
 *
 * <p>Invariants: {@code bytes} is the sum over the records that are there, and no record is taken that brings it above the limit;
 * {@code next} is above every number in use. Native memory is freed only while nobody uses it.
 */
public final class RocksQueue implements DurableQueue {
    private static final Logger LOG = LoggerFactory.getLogger(RocksQueue.class);
    private static final long MEMTABLE_BYTES = 8L << 20;
    private static final long WAL_BYTES_MAX = 64L << 20;

    private final ReentrantReadWriteLock open = new ReentrantReadWriteLock();
    private final Path folder;
    private final QueueLimits limits;
    private final Options options;
    private final WriteOptions unsynced = new WriteOptions().setSync(false);
    private final WriteOptions impatient = new WriteOptions().setSync(false).setNoSlowdown(true);
    // Guarded by this.
    private long next;
    private long size;
    private long bytes;
    // Guarded by the lock.
    private @Nullable RocksDB db;
    private boolean closed;

    static {
        RocksDB.loadLibrary();
    }

    /**
     * Opens the queue in a folder of its own, or makes it there. Files that cannot be read are put aside, and a new queue is made: the
     * log says where they are.
     *
     * @param found as in {@link #reopen}
     */
    public static RocksQueue open(Path folder, QueueLimits limits,
            Supplier<Consumer<Entry>> found) {
        RocksQueue queue = new RocksQueue(folder, limits);
        boolean opened = false;
        try {
            queue.reopen(found);
            opened = true;
            return queue;
        } finally {
            if (!opened) {
                queue.close();
            }
        }
    }

    private RocksQueue(Path folder, QueueLimits limits) {
        this.folder = folder;
        this.limits = limits;
        this.options = new Options()
                .setCreateIfMissing(true)
                // What stands before the end that a crash of the machine tore off is still worth sending.
                .setWalRecoveryMode(WALRecoveryMode.PointInTimeRecovery)
                .setParanoidChecks(true)
                .setWriteBufferSize(MEMTABLE_BYTES)
                .setMaxTotalWalSize(WAL_BYTES_MAX)
                .setCompressionType(CompressionType.LZ4_COMPRESSION)
                .setMaxBackgroundJobs(2)
                .setMaxOpenFiles(64)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setKeepLogFileNum(4);
    }

    @Override
    public void reopen(Supplier<Consumer<Entry>> found) {
        open.writeLock().lock();
        try {
            if (closed) {
                throw new StoreException(Kind.UNAVAILABLE, "the queue is closed");
            }
            closeFiles();
            try {
                openFiles(found);
            } catch (StoreException failure) {
                closeFiles();
                if (!damaged(failure)) {
                    throw failure;
                }
                putAside(failure);
                openFiles(found);
            }
        } finally {
            open.writeLock().unlock();
        }
    }

    private void openFiles(Supplier<Consumer<Entry>> found) {
        try {
            Files.createDirectories(folder);
            RocksDB opened = RocksDB.open(options, folder.toString());
            db = opened;
            count(opened, found.get());
        } catch (RocksDBException failure) {
            throw Failures.of("opening queue folder " + folder, failure);
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "queue folder " + folder + " cannot be made: "
                    + failure.getMessage(), failure);
        }
    }

    private void count(RocksDB opened, Consumer<Entry> found) throws RocksDBException {
        long after = 0;
        long records = 0;
        long sum = 0;
        try (RocksIterator all = opened.newIterator()) {
            for (all.seekToFirst(); all.isValid(); all.next()) {
                Entry entry = entry(all);
                after = entry.number() + 1;
                records++;
                sum += entry.bytes().length;
                found.accept(entry);
            }
            all.status();
        }
        counted(after, records, sum);
    }

    private synchronized void counted(long after, long records, long sum) {
        next = Math.max(next, after);
        size = records;
        bytes = sum;
    }

    private static Entry entry(RocksIterator at) {
        byte[] key = at.key();
        if (key.length != Long.BYTES) {
            throw new StoreException(Kind.CORRUPT,
                    "the queue has a key of " + key.length + " bytes");
        }
        return new Entry(Keys.number(key), at.value());
    }

    private static boolean damaged(StoreException failure) {
        String message = String.valueOf(failure.getMessage());
        return failure.kind() == Kind.CORRUPT
                || failure.kind() == Kind.IO && message.contains("No such file");
    }

    private void putAside(StoreException damage) {
        try {
            int number = 1;
            while (Files.exists(aside(number))) {
                number++;
            }
            LOG.error(
                    "records that had not been sent cannot be read, they are put aside: folder={} cause={}",
                    aside(number), damage.getMessage());
            Files.move(folder, aside(number));
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "queue folder " + folder
                    + " is damaged and cannot be moved out of the way: " + failure.getMessage(),
                    failure);
        }
    }

    private Path aside(int number) {
        return folder.resolveSibling(folder.getFileName() + ".damaged-" + number);
    }

    @Override
    public OptionalLong append(byte[] record) {
        return using(opened -> {
            synchronized (this) {
                if (record.length > limits.recordBytesMax()
                        || bytes + record.length > limits.bytesMax()) {
                    return OptionalLong.empty();
                }
                // Whatever becomes of the write, nobody else gets its number.
                long number = next++;
                if (!put(opened, number, record)) {
                    return OptionalLong.empty();
                }
                size++;
                bytes += record.length;
                return OptionalLong.of(number);
            }
        });
    }

    /** Whether it was written; not where that would have to wait. */
    private boolean put(RocksDB opened, long number, byte[] record) throws RocksDBException {
        try {
            opened.put(impatient, Keys.number(number), record);
            return true;
        } catch (RocksDBException failure) {
            Status status = failure.getStatus();
            if (status != null && status.getCode() == Status.Code.Incomplete) {
                return false;
            }
            throw failure;
        }
    }

    @Override
    public List<Entry> read(long from, int countMax) {
        return using(opened -> {
            List<Entry> entries = new ArrayList<>();
            try (RocksIterator some = opened.newIterator()) {
                some.seek(Keys.number(from));
                while (some.isValid() && entries.size() < countMax) {
                    entries.add(entry(some));
                    some.next();
                }
                some.status();
            }
            return entries;
        });
    }

    @Override
    public boolean remove(Entry entry) {
        return using(opened -> {
            byte[] key = Keys.number(entry.number());
            boolean there = opened.get(key) != null;
            if (there) {
                opened.delete(unsynced, key);
                removed(entry.bytes().length);
            }
            return there;
        });
    }

    private synchronized void removed(long length) {
        size--;
        bytes -= length;
    }

    @Override
    public void sync() {
        var unused = using(opened -> {
            opened.syncWal();
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
        T on(RocksDB opened) throws RocksDBException;
    }

    private <T> T using(Work<T> work) {
        open.readLock().lock();
        try {
            RocksDB opened = db;
            if (opened == null) {
                throw new StoreException(Kind.UNAVAILABLE, "the queue is not open");
            }
            return work.on(opened);
        } catch (RocksDBException failure) {
            throw Failures.of("using the queue", failure);
        } finally {
            open.readLock().unlock();
        }
    }

    private void closeFiles() {
        RocksDB opened = db;
        db = null;
        if (opened != null) {
            opened.close();
        }
    }

    @Override
    public void close() {
        open.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                closeFiles();
                options.close();
                unsynced.close();
                impatient.close();
            }
        } finally {
            open.writeLock().unlock();
        }
    }
}
