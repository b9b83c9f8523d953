package dev.flywheel.store.rocksdb;

import static dev.flywheel.store.core.BrokenInvariantException.require;

import com.google.protobuf.ByteString;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.CommitLog;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.format.LogEntry;
import dev.flywheel.store.format.Tip;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.rocksdb.RocksIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commit log in a folder of its own: {@code format}, {@code highwater} and {@code rocksdb/}.
 *
 * <p>Each command is one write batch: the log entry, what follows from it, and the mark of the last commit, all or nothing.
 * One thread writes; {@link #history} may be read by any.
 */
public final class RocksCommitLog implements CommitLog {
    private static final Logger LOG = LoggerFactory.getLogger(RocksCommitLog.class);
    private static final int UPLOADS_BETWEEN_SWEEPS = 4_096;

    private final Path path;
    private final StoreFolder folder;
    private final Retention retention;
    private final SharedDatabase shared;
    private final RocksHistory history;
    private HighWaterFile highWater;
    private Tip tip;
    private int uploads;
    /** There may be keys whose deletion is written and that are still in files. */
    private boolean erasing = true;

    /**
     * Opens or makes the store in a folder and checks what it finds: block checksums, the hash chain of the newest commits, and
     * that the commit which was acknowledged last is among them.
     *
     * @throws StoreException if another process has it open, a newer program made it, or it is damaged
     */
    public static RocksCommitLog open(Path folder, Retention retention, long atMillis) {
        RocksCommitLog log = new RocksCommitLog(folder, retention);
        log.dropOrphans(atMillis);
        return log;
    }

    private RocksCommitLog(Path folder, Retention retention) {
        this.folder = new StoreFolder(folder);
        this.path = folder;
        this.retention = retention;
        Database db = this.folder.open();
        this.tip = HashChain.tip(db);
        this.shared = new SharedDatabase(db);
        this.history = new RocksHistory(shared);
        this.highWater = HighWaterFile.open(folder);
        shred();
    }

    /**
     * Takes what a store that has lost its newest commits still holds for all there is.
     *
     * @param commits how many were lost, as the refusal to open said
     * @return the commit that it ends at
     * @throws StoreException if it has lost another number, or is damaged otherwise
     */
    public static long acceptLoss(Path folder, long commits) {
        return new StoreFolder(folder).acceptLoss(commits);
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
        try (Batch batch = new Batch(db)) {
            SealedManifests sealed = new SealedManifests(db, batch);
            facts.forEach(fact -> entry.addFacts(Codec.logged(fact, sealed.digest(fact))));
            byte[] bytes = entry.build().toByteArray();
            Tip next = Tip.newBuilder()
                    .setCommit(after.commit())
                    .setHash(ByteString.copyFrom(Digest.of(bytes).raw()))
                    .build();
            batch.put(Family.LOG, Keys.number(after.commit()), bytes);
            batch.put(Family.META, Keys.TIP, next);
            for (String name : new FactWriter(db, batch, sealed).write(facts)) {
                AdapterState adapter = after.adapter(name);
                if (adapter == null) {
                    throw new IllegalArgumentException("no state of adapter " + name);
                }
                batch.put(Family.ADAPTERS, Keys.text(name), Codec.saved(adapter));
            }
            batch.write();
            erasing |= facts.stream().anyMatch(Fact.Erased.class::isInstance);
            return next;
        }
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

    /** The mark follows the log and never leads it: a kill between the two leaves a mark that is behind, which is no loss. */
    @Override
    public void sync() {
        shared.<Boolean>use(db -> {
            long before = db.walSyncs();
            db.sync();
            require(db.walSyncs() > before, "the write-ahead log was not synced");
            return true;
        });
        highWater.write(tip);
        if (erasing) {
            shred();
        }
    }

    /**
     * A deleted key stands in the log and in tables until those are rewritten, which is done at once, or when the store opens next:
     * until then it is marked.
     */
    private void shred() {
        try {
            shared.<Boolean>use(db -> {
                UserKeys.shred(db);
                return true;
            });
            erasing = false;
        } catch (StoreException failure) {
            LOG.warn("deleted keys are still in files of the store, trying again later: {}",
                    failure.getMessage());
        }
    }

    @Override
    public void settle() {
        highWater.force();
    }

    /**
     * RocksDB takes no write after a failed one, also once its cause is gone. While the folder still cannot be written to, the
     * old handle stays open for readers.
     */
    @Override
    public void reopen(long atMillis) {
        folder.probe();
        shared.replace(folder::open);
        tip = shared.use(HashChain::tip);
        HighWaterFile old = highWater;
        highWater = HighWaterFile.open(path);
        old.close();
        LOG.info("reopened the store: commit={}", tip.getCommit());
    }

    /** How often the write-ahead log was synced since it was opened; a commit that is acknowledged raises it. */
    public long walSyncs() {
        return shared.use(Database::walSyncs);
    }

    @Override
    public void close() {
        try {
            highWater.close();
        } finally {
            shared.close();
        }
    }
}
