package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.CommitLog;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.format.LogEntry;
import dev.flywheel.store.format.Tip;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.rocksdb.RocksIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commit log in a folder of its own: {@code format} and {@code rocksdb/}.
 *
 * <p>Each command is one write batch: the log entry, what follows from it, and the mark of the last commit, all or nothing.
 * One thread writes; {@link #history} may be read by any.
 */
public final class RocksCommitLog implements CommitLog {
    private static final Logger LOG = LoggerFactory.getLogger(RocksCommitLog.class);
    private static final long CHAIN_CHECKED_AT_OPEN = 10_000;
    private static final int UPLOADS_BETWEEN_SWEEPS = 4_096;
    private static final int PROBE_BYTES = 1 << 20;

    private final Path folder;
    private final Retention retention;
    private final SharedDatabase shared;
    private final RocksHistory history;
    private Tip tip;
    private int uploads;

    /**
     * Opens or makes the store in a folder and checks what it finds: block checksums and the hash chain of the newest commits.
     *
     * @throws StoreException if another process has it open, a newer program made it, or it is damaged
     */
    public static RocksCommitLog open(Path folder, Retention retention, long atMillis) {
        RocksCommitLog log = new RocksCommitLog(folder, retention);
        log.dropOrphans(atMillis);
        return log;
    }

    private RocksCommitLog(Path folder, Retention retention) {
        this.folder = folder;
        this.retention = retention;
        Database db = openVerified(folder);
        this.tip = HashChain.tip(db);
        this.shared = new SharedDatabase(db);
        this.history = new RocksHistory(shared);
    }

    private static Database openVerified(Path folder) {
        FormatFile format = new FormatFile(folder);
        Path files = folder.resolve("rocksdb");
        try {
            Files.createDirectories(files);
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "store folder " + folder + " cannot be made: "
                    + failure.getMessage(), failure);
        }
        boolean made = format.present();
        Database db = Database.open(files, !made);
        boolean verified = false;
        try {
            db.verifyChecksums();
            Tip tip = HashChain.tip(db);
            HashChain.verify(db, tip, CHAIN_CHECKED_AT_OPEN);
            if (!made) {
                finish(format, tip, folder);
            }
            verified = true;
            return db;
        } finally {
            if (!verified) {
                db.close();
            }
        }
    }

    private static void finish(FormatFile format, Tip tip, Path folder) {
        if (tip.getCommit() > 0) {
            throw new StoreException(Kind.CORRUPT, "store folder " + folder
                    + " holds commits but its format file is gone; restore it from a backup");
        }
        format.write();
    }

    @Override
    public StoreState load() {
        return shared.use(db -> {
            List<AdapterState> adapters = new ArrayList<>();
            try (RocksIterator saved = db.iterator(Family.ADAPTERS)) {
                for (saved.seekToFirst(); saved.isValid(); saved.next()) {
                    adapters.add(Codec.adapter(saved.value()));
                }
                Database.check(saved, Family.ADAPTERS);
            }
            return StoreState.restored(tip.getCommit(), adapters);
        });
    }

    @Override
    public CommitHistory history() {
        return history;
    }

    @Override
    public void append(List<Fact> facts, StoreState after, long atMillis) {
        if (after.commit() != tip.getCommit() + 1) {
            throw new IllegalArgumentException(
                    "commit " + after.commit() + " does not follow " + tip.getCommit());
        }
        tip = shared.use(db -> write(db, facts, after, atMillis));
    }

    private Tip write(Database db, List<Fact> facts, StoreState after, long atMillis) {
        LogEntry.Builder entry = LogEntry.newBuilder()
                .setCommit(after.commit())
                .setAtMillis(atMillis)
                .setPrevious(tip.getHash());
        facts.forEach(fact -> entry.addFacts(Codec.logged(fact)));
        byte[] bytes = entry.build().toByteArray();
        Tip next = Tip.newBuilder()
                .setCommit(after.commit())
                .setHash(ByteString.copyFrom(Digest.of(bytes).raw()))
                .build();
        try (Batch batch = new Batch(db)) {
            batch.put(Family.LOG, Keys.number(after.commit()), bytes);
            batch.put(Family.META, Keys.TIP, next);
            for (String name : new FactWriter(db, batch).write(facts)) {
                AdapterState adapter = after.adapter(name);
                if (adapter == null) {
                    throw new IllegalArgumentException("no state of adapter " + name);
                }
                batch.put(Family.ADAPTERS, Keys.text(name), Codec.saved(adapter));
            }
            batch.write();
        }
        return next;
    }

    @Override
    public void putBlob(String digest, byte[] bytes, long atMillis) {
        shared.<Boolean>use(db -> {
            BlobShelf.put(db, digest, bytes, atMillis);
            return true;
        });
        if (++uploads >= UPLOADS_BETWEEN_SWEEPS) {
            dropOrphans(atMillis);
        }
    }

    private void dropOrphans(long atMillis) {
        uploads = 0;
        int dropped = shared.<Integer>use(db -> BlobShelf.dropOrphans(db,
                atMillis - retention.orphanBlobsKept().toMillis()));
        if (dropped > 0) {
            LOG.info("dropped blobs that no version refers to: blobs={}", dropped);
        }
    }

    @Override
    public void sync() {
        shared.<Boolean>use(db -> {
            db.sync();
            return true;
        });
    }

    /**
     * RocksDB takes no write after a failed one, also once its cause is gone. While the folder still cannot be written to, the
     * old handle stays open for readers.
     */
    @Override
    public void reopen(long atMillis) {
        probe();
        shared.replace(() -> openVerified(folder));
        tip = shared.use(HashChain::tip);
        LOG.info("reopened the store: commit={}", tip.getCommit());
    }

    private void probe() {
        Path probe = folder.resolve("probe.tmp");
        try {
            try (FileChannel channel = FileChannel.open(probe, StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                ByteBuffer bytes = ByteBuffer.allocate(PROBE_BYTES);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            } finally {
                Files.deleteIfExists(probe);
            }
        } catch (IOException failure) {
            throw new StoreException(Kind.DISK_FULL, "store folder " + folder
                    + " still cannot be written to: " + failure.getMessage(), failure);
        }
    }

    /** How often the write-ahead log was synced since it was opened; a commit that is acknowledged raises it. */
    public long walSyncs() {
        return shared.use(Database::walSyncs);
    }

    @Override
    public void close() {
        shared.close();
    }
}
