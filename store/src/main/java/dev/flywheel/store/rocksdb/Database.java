package dev.flywheel.store.rocksdb;

import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompactRangeOptions;
import org.rocksdb.CompactRangeOptions.BottommostLevelCompaction;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Statistics;
import org.rocksdb.TickerType;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * One open RocksDB with its native handles, all of which {@link #close} frees in reverse order.
 *
 * <p>Thread-safe as RocksDB is; nobody may use it during or after {@link #close}.
 */
final class Database implements AutoCloseable {
    private static final long BLOCK_CACHE_BYTES = 32L << 20;
    private static final long MEMTABLE_BYTES_MAX = 64L << 20;
    private static final long WAL_BYTES_MAX = 128L << 20;
    private static final long WAL_BYTES_PER_SYNC = 256L << 10;
    private static final long BLOB_FILE_BYTES = 64L << 20;
    private static final long BLOB_BYTES_MIN = 4L << 10;
    private static final double BITS_PER_KEY = 10;

    private final Deque<AutoCloseable> handles = new ArrayDeque<>();
    private final Map<Family, ColumnFamilyHandle> families = new EnumMap<>(Family.class);
    private final Statistics statistics;
    private final WriteOptions unsynced;
    private final RocksDB db;

    static {
        RocksDB.loadLibrary();
    }

    /**
     * Opens the folder. A write-ahead log that is broken anywhere but at its very end is refused: skipping a record would
     * silently lose what was acknowledged.
     */
    static Database open(Path folder, boolean create) {
        try {
            return new Database(folder, create, false);
        } catch (RocksDBException failure) {
            throw refused(folder, failure);
        }
    }

    /**
     * Opens the folder and changes nothing in it; the write-ahead log is read under the same rule. Families that an older
     * release did not know are empty. The caller makes sure that nobody writes to it.
     */
    static Database openReadOnly(Path folder) {
        try {
            return new Database(folder, false, true);
        } catch (RocksDBException failure) {
            throw refused(folder, failure);
        }
    }

    /** Whether there are tables in the folder that the database does not name, or families that it does not have. */
    static boolean leavesOut(Path folder) {
        try (Database db = openReadOnly(folder)) {
            Set<String> named = new HashSet<>();
            db.db.getLiveFilesMetaData()
                    .forEach(file -> named.add(file.fileName().replace("/", "")));
            try (Stream<Path> files = Files.list(folder)) {
                return present(folder).size() < Family.values().length
                        || files.map(file -> file.getFileName().toString())
                                .anyMatch(name -> name.endsWith(".sst") && !named.contains(name));
            }
        } catch (RocksDBException failure) {
            throw refused(folder, failure);
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "store folder " + folder.getParent()
                    + " cannot be listed: " + failure.getMessage(), failure);
        }
    }

    private Database(Path folder, boolean create, boolean readOnly) throws RocksDBException {
        boolean opened = false;
        try {
            statistics = owned(new Statistics());
            unsynced = owned(new WriteOptions().setSync(false));
            DBOptions options = options(create);
            List<ColumnFamilyHandle> columns = new ArrayList<>();
            List<Family> present = readOnly ? present(folder) : List.of(Family.values());
            db = owned(readOnly
                    ? RocksDB.openReadOnly(options, folder.toString(), descriptors(present),
                            columns)
                    : RocksDB.open(options, folder.toString(), descriptors(present), columns));
            for (ColumnFamilyHandle column : columns) {
                families.put(present.get(families.size()), owned(column));
            }
            ColumnFamilyHandle empty = column(Family.DEFAULT);
            for (Family family : Family.values()) {
                families.putIfAbsent(family, empty);
            }
            opened = true;
        } finally {
            if (!opened) {
                close();
            }
        }
    }

    private DBOptions options(boolean create) {
        return owned(new DBOptions())
                .setCreateIfMissing(create)
                .setCreateMissingColumnFamilies(true)
                .setWalRecoveryMode(WALRecoveryMode.TolerateCorruptedTailRecords)
                .setParanoidChecks(true)
                .setDbWriteBufferSize(MEMTABLE_BYTES_MAX)
                .setMaxTotalWalSize(WAL_BYTES_MAX)
                // Blobs are on their way to the disk before the commit that waits for it.
                .setWalBytesPerSync(WAL_BYTES_PER_SYNC)
                .setMaxBackgroundJobs(2)
                .setMaxOpenFiles(512)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setKeepLogFileNum(4)
                .setStatistics(statistics);
    }

    private static List<Family> present(Path folder) throws RocksDBException {
        try (Options options = new Options()) {
            Set<String> names = new HashSet<>();
            for (byte[] name : RocksDB.listColumnFamilies(options, folder.toString())) {
                names.add(new String(name, StandardCharsets.UTF_8));
            }
            if (names.isEmpty()) {
                throw new StoreException(Kind.CORRUPT, "store folder " + folder.getParent()
                        + " holds no database; restore it from a backup");
            }
            return Arrays.stream(Family.values())
                    .filter(family -> names.contains(
                            new String(family.columnName(), StandardCharsets.UTF_8)))
                    .toList();
        }
    }

    private List<ColumnFamilyDescriptor> descriptors(List<Family> present) {
        Cache cache = owned(new LRUCache(BLOCK_CACHE_BYTES));
        BloomFilter filter = owned(new BloomFilter(BITS_PER_KEY));
        List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
        for (Family family : present) {
            BlockBasedTableConfig table = new BlockBasedTableConfig()
                    .setBlockCache(cache)
                    .setCacheIndexAndFilterBlocks(true)
                    .setPinL0FilterAndIndexBlocksInCache(true);
            if (family.shape() == Family.Shape.LOOKUPS) {
                table.setFilterPolicy(filter);
            }
            ColumnFamilyOptions options = owned(new ColumnFamilyOptions())
                    .setTableFormatConfig(table)
                    .setCompressionType(CompressionType.LZ4_COMPRESSION);
            if (family.shape() == Family.Shape.BLOBS) {
                options.setWriteBufferSize(32L << 20)
                        .setEnableBlobFiles(true)
                        .setMinBlobSize(BLOB_BYTES_MIN)
                        .setBlobFileSize(BLOB_FILE_BYTES)
                        .setEnableBlobGarbageCollection(true)
                        .setBlobGarbageCollectionAgeCutoff(0.5)
                        .setBlobGarbageCollectionForceThreshold(0.5);
            } else {
                options.setWriteBufferSize(8L << 20);
            }
            descriptors.add(new ColumnFamilyDescriptor(family.columnName(), options));
        }
        return descriptors;
    }

    private static StoreException refused(Path folder, RocksDBException failure) {
        String message = String.valueOf(failure.getMessage());
        String lower = message.toLowerCase(Locale.ROOT);
        if (lower.contains("lock file") || lower.contains("lock hold by current process")) {
            return new StoreException(Kind.IN_USE, "store folder " + folder.getParent()
                    + " is in use by another process; stop that one or choose another folder",
                    failure);
        }
        StoreException cause = Failures.of("opening store folder " + folder.getParent(), failure);
        if (cause.kind() == Kind.DISK_FULL) {
            return new StoreException(Kind.DISK_FULL, "no space left to open store folder "
                    + folder.getParent() + "; free some or choose another folder", failure);
        }
        return new StoreException(cause.kind(), "store folder " + folder.getParent()
                + " cannot be opened: " + message
                + "; nothing was changed, restore it from a backup if it is damaged", failure);
    }

    private <T extends AutoCloseable> T owned(T handle) {
        handles.push(handle);
        return handle;
    }

    byte @Nullable [] get(Family family, byte[] key) {
        try {
            return db.get(column(family), key);
        } catch (RocksDBException failure) {
            throw Failures.of("reading " + family, failure);
        }
    }

    RocksIterator iterator(Family family) {
        return db.newIterator(column(family));
    }

    /** An iterator that ends early because of an error looks like one that has reached the end. */
    static void check(RocksIterator iterator, Family family) {
        try {
            iterator.status();
        } catch (RocksDBException failure) {
            throw Failures.of("reading " + family, failure);
        }
    }

    /** Atomic; durable after the next {@link #sync}. */
    void write(WriteBatch batch) {
        try {
            db.write(unsynced, batch);
        } catch (RocksDBException failure) {
            throw Failures.of("writing", failure);
        }
    }

    /** Everything written before is durable when it returns. */
    void sync() {
        try {
            db.syncWal();
        } catch (RocksDBException failure) {
            throw Failures.of("syncing", failure);
        }
    }

    /** Leaves no byte of a deleted key's value in the folder: neither in the write-ahead log nor in a table. */
    void shred(Family family, byte[] key) {
        try (FlushOptions flush = new FlushOptions().setWaitForFlush(true);
                CompactRangeOptions all = new CompactRangeOptions()
                        .setBottommostLevelCompaction(BottommostLevelCompaction.kForce)) {
            db.flush(flush, List.copyOf(families.values()));
            db.compactRange(column(family), key, Arrays.copyOf(key, key.length + 1), all);
        } catch (RocksDBException failure) {
            throw Failures.of("deleting a key for good", failure);
        }
    }

    void verifyChecksums() {
        try {
            db.verifyChecksum();
        } catch (RocksDBException failure) {
            throw new StoreException(Kind.CORRUPT, "stored files are damaged: "
                    + failure.getMessage() + "; restore the store from a backup", failure);
        }
    }

    long walSyncs() {
        return statistics.getTickerCount(TickerType.WAL_FILE_SYNCED);
    }

    ColumnFamilyHandle column(Family family) {
        ColumnFamilyHandle handle = families.get(family);
        if (handle == null) {
            throw new StoreException(Kind.UNAVAILABLE, "the store is closed");
        }
        return handle;
    }

    @Override
    public void close() {
        families.clear();
        while (!handles.isEmpty()) {
            try {
                handles.pop().close();
            } catch (Exception impossible) {
                throw new AssertionError("native handles throw nothing when closed", impossible);
            }
        }
    }
}
