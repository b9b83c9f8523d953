package dev.flywheel.store.rocksdb;

import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.replica.ReplicaDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A replica in a RocksDB of its own: folder {@code db}, beside the file {@code format}, which says how it is written. Its write-ahead
 * log is read as far as it is whole, so a torn one leaves what stood some time before.
 *
 * <p>One folder that was put aside is kept, under the same name with {@code .aside}: it is a copy, and must not fill the disk. Native
 * memory is freed only while nobody uses it.
 */
public final class RocksReplicaDisk implements ReplicaDisk {
    static final int FORMAT = 1;

    private static final Logger LOG = LoggerFactory.getLogger(RocksReplicaDisk.class);
    private static final String TITLE = "flywheel replica format ";
    private static final long MEMTABLE_BYTES = 8L << 20;
    private static final long WAL_BYTES_MAX = 32L << 20;
    private static final long BLOB_FILE_BYTES = 16L << 20;
    private static final long BLOB_BYTES_MIN = 4L << 10;

    private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
    private final Path folder;
    private final Runnable renewed;
    // Guarded by the lock.
    private final Deque<AutoCloseable> handles = new ArrayDeque<>();
    private final Map<Shelf, ColumnFamilyHandle> columns = new EnumMap<>(Shelf.class);
    private @Nullable RocksDB db;
    private @Nullable WriteOptions unsynced;
    private boolean closed;

    static {
        RocksDB.loadLibrary();
    }

    /** @param renewed runs whenever what was there has been put aside */
    public RocksReplicaDisk(Path folder, Runnable renewed) {
        this.folder = folder;
        this.renewed = renewed;
    }

    @Override
    public void open() {
        use.writeLock().lock();
        try {
            if (closed) {
                throw new StoreException(Kind.UNAVAILABLE, "the replica is closed");
            }
            closeFiles();
            try {
                requireFormat();
                openFiles();
            } catch (StoreException failure) {
                closeFiles();
                if (!unreadable(failure)) {
                    throw failure;
                }
                renew(String.valueOf(failure.getMessage()));
            }
        } finally {
            use.writeLock().unlock();
        }
    }

    /** What another try would not find otherwise. */
    private static boolean unreadable(StoreException failure) {
        return failure.kind() == Kind.CORRUPT || failure.kind() == Kind.FORMAT_TOO_NEW
                || failure.kind() == Kind.IO
                        && String.valueOf(failure.getMessage()).contains("No such file");
    }

    @Override
    public void renew(String why) {
        use.writeLock().lock();
        try {
            closeFiles();
            putAside(why);
            openFiles();
        } finally {
            use.writeLock().unlock();
        }
        renewed.run();
    }

    private void putAside(String why) {
        Path aside = folder.resolveSibling(folder.getFileName() + ".aside");
        LOG.error("the replica is put aside, and begun anew from the store: folder={} cause={}",
                aside, why);
        try {
            delete(aside);
            if (Files.exists(folder)) {
                Files.move(folder, aside);
            }
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "replica folder " + folder
                    + " cannot be moved out of the way: " + failure.getMessage(), failure);
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        }
    }

    private void requireFormat() {
        Path file = folder.resolve("format");
        try {
            if (Files.exists(file)) {
                require(Files.readAllBytes(file));
            } else if (Files.exists(folder.resolve("db"))) {
                throw new StoreException(Kind.CORRUPT,
                        "replica folder " + folder + " has no format file");
            }
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "format file of replica folder " + folder
                    + " cannot be read: " + failure.getMessage(), failure);
        }
    }

    private void require(byte[] said) {
        String text = new String(said, StandardCharsets.UTF_8).strip();
        int format = 0;
        try {
            format = text.startsWith(TITLE) ? Integer.parseInt(text.substring(TITLE.length())) : 0;
        } catch (NumberFormatException notANumber) {
            LOG.debug("format file says {}", text);
        }
        if (format < 1) {
            throw new StoreException(Kind.CORRUPT, "replica folder " + folder
                    + " has a format file that does not say '" + TITLE + "' and a number");
        }
        if (format > FORMAT) {
            throw new StoreException(Kind.FORMAT_TOO_NEW, "replica folder " + folder
                    + " has format " + format + ", this program reads up to " + FORMAT);
        }
    }

    private void openFiles() {
        try {
            Path files = Files.createDirectories(folder.resolve("db"));
            // Before the first file of the database: none of those is ever without it.
            writeFormat();
            open(files);
        } catch (RocksDBException failure) {
            throw Failures.of("opening replica folder " + folder, failure);
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "replica folder " + folder + " cannot be made: "
                    + failure.getMessage(), failure);
        }
    }

    private void writeFormat() throws IOException {
        Path draft = folder.resolve("format.tmp");
        Files.writeString(draft, TITLE + FORMAT + "\n");
        Files.move(draft, folder.resolve("format"), StandardCopyOption.ATOMIC_MOVE);
    }

    private void open(Path files) throws RocksDBException {
        DBOptions options = owned(new DBOptions())
                .setCreateIfMissing(true)
                .setCreateMissingColumnFamilies(true)
                .setWalRecoveryMode(WALRecoveryMode.PointInTimeRecovery)
                .setParanoidChecks(true)
                .setMaxTotalWalSize(WAL_BYTES_MAX)
                .setMaxBackgroundJobs(2)
                .setMaxOpenFiles(64)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setKeepLogFileNum(4);
        unsynced = owned(new WriteOptions().setSync(false));
        List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
        descriptors.add(new ColumnFamilyDescriptor(RocksDB.DEFAULT_COLUMN_FAMILY,
                owned(new ColumnFamilyOptions())));
        for (Shelf shelf : Shelf.values()) {
            descriptors.add(new ColumnFamilyDescriptor(
                    Keys.text(shelf.name().toLowerCase(Locale.ROOT)), options(shelf)));
        }
        List<ColumnFamilyHandle> opened = new ArrayList<>();
        db = owned(RocksDB.open(options, files.toString(), descriptors, opened));
        opened.forEach(this::owned);
        for (Shelf shelf : Shelf.values()) {
            columns.put(shelf, opened.get(1 + shelf.ordinal()));
        }
    }

    private ColumnFamilyOptions options(Shelf shelf) {
        ColumnFamilyOptions options = owned(new ColumnFamilyOptions())
                .setWriteBufferSize(MEMTABLE_BYTES)
                .setMaxWriteBufferNumber(2);
        return shelf == Shelf.BLOBS
                ? options.setCompressionType(CompressionType.NO_COMPRESSION)
                        .setEnableBlobFiles(true)
                        .setMinBlobSize(BLOB_BYTES_MIN)
                        .setBlobFileSize(BLOB_FILE_BYTES)
                        .setEnableBlobGarbageCollection(true)
                        .setBlobGarbageCollectionAgeCutoff(0.5)
                        .setBlobGarbageCollectionForceThreshold(0.5)
                : options.setCompressionType(CompressionType.LZ4_COMPRESSION);
    }

    private <T extends AutoCloseable> T owned(T handle) {
        handles.push(handle);
        return handle;
    }

    @Override
    public void read(Shelf shelf, BiConsumer<byte[], byte[]> each) {
        var unused = using("reading the replica", opened -> {
            try (RocksIterator all = opened.newIterator(column(shelf))) {
                for (all.seekToFirst(); all.isValid(); all.next()) {
                    each.accept(all.key(), all.value());
                }
                all.status();
            }
            return true;
        });
    }

    @Override
    public byte @Nullable [] get(Shelf shelf, byte[] key) {
        return using("reading the replica", opened -> opened.get(column(shelf), key));
    }

    @Override
    public void write(List<Change> changes) {
        var unused = using("writing the replica", opened -> {
            try (WriteBatch batch = new WriteBatch()) {
                for (Change change : changes) {
                    byte[] value = change.value();
                    if (value == null) {
                        batch.delete(column(change.shelf()), change.key());
                    } else {
                        batch.put(column(change.shelf()), change.key(), value);
                    }
                }
                opened.write(unsynced, batch);
            }
            return true;
        });
    }

    @Override
    public void sync() {
        var unused = using("syncing the replica", opened -> {
            opened.syncWal();
            return true;
        });
    }

    private ColumnFamilyHandle column(Shelf shelf) {
        ColumnFamilyHandle column = columns.get(shelf);
        if (column == null) {
            throw new StoreException(Kind.UNAVAILABLE, "the replica is not open");
        }
        return column;
    }

    /** What may fail as RocksDB does. */
    private interface Work<T extends @Nullable Object> {
        T on(RocksDB opened) throws RocksDBException;
    }

    private <T extends @Nullable Object> T using(String doing, Work<T> work) {
        use.readLock().lock();
        try {
            RocksDB opened = db;
            if (opened == null) {
                throw new StoreException(Kind.UNAVAILABLE, "the replica is not open");
            }
            return work.on(opened);
        } catch (RocksDBException failure) {
            throw Failures.of(doing, failure);
        } finally {
            use.readLock().unlock();
        }
    }

    private void closeFiles() {
        db = null;
        unsynced = null;
        columns.clear();
        while (!handles.isEmpty()) {
            try {
                handles.pop().close();
            } catch (Exception failure) {
                LOG.warn("closing the replica failed: {}", failure.toString());
            }
        }
    }

    @Override
    public void close() {
        use.writeLock().lock();
        try {
            closed = true;
            closeFiles();
        } finally {
            use.writeLock().unlock();
        }
    }
}
