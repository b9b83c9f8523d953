package dev.flywheel.store.rocksdb;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.format.Tip;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store's folder: {@code format}, {@code highwater} and {@code rocksdb/}. Opens what is there, or makes it, and hands out
 * nothing that it has not checked.
 *
 * <p>Checked are the block checksums, the hash chain of the newest commits, and that the commit which was acknowledged last
 * is there. The whole chain, and what follows from it, is for {@link StoreCheck}.
 */
final class StoreFolder {
    private static final Logger LOG = LoggerFactory.getLogger(StoreFolder.class);
    private static final long CHAIN_CHECKED_AT_OPEN = 10_000;
    private static final long PROBE_BYTES = 1 << 20;

    private final Path folder;

    StoreFolder(Path folder) {
        this.folder = folder;
    }

    Path files() {
        return folder.resolve("rocksdb");
    }

    /** The open database. The mark of the newest commit is there, and is not above what the database holds. */
    Database open() {
        FormatFile format = new FormatFile(folder);
        boolean made = format.present();
        makeFolder();
        if (made) {
            requireListed();
        }
        return checked(!made, (db, tip) -> {
            requireAcknowledged(db, tip);
            if (!made) {
                finish(format, tip);
            } else if (format.older()) {
                LOG.info("from now on older programs refuse this store: format={}",
                        FormatFile.CURRENT);
                format.write();
            }
        });
    }

    /**
     * A MANIFEST that was cut at a record's end opens without a word, with tables missing whose log is gone, and opening deletes
     * them. A crash may leave such tables too, and an older release fewer families: then everything is checked first.
     */
    private void requireListed() {
        if (!Database.leavesOut(files())) {
            return;
        }
        LOG.info("files that the database does not name: checking everything before it opens");
        CheckReport report = StoreCheck.of(folder, (step, done, total) -> {});
        if (!report.sound()) {
            throw new StoreException(Kind.CORRUPT, "store folder " + folder + " is damaged: "
                    + report.damage().get(0).where() + ": " + report.damage().get(0).what()
                    + (report.damages() > 1 ? ", and " + (report.damages() - 1) + " more" : "")
                    + "; nothing was changed, restore it from a backup");
        }
    }

    /** What is done with a database before it is handed out; if it throws, the database is closed again. */
    private interface Check {
        void on(Database db, Tip tip);
    }

    private Database checked(boolean create, Check check) {
        Database db = Database.open(files(), create);
        boolean passed = false;
        try {
            db.verifyChecksums();
            Tip tip = HashChain.tip(db);
            HashChain.verify(db, tip, CHAIN_CHECKED_AT_OPEN);
            check.on(db, tip);
            passed = true;
            return db;
        } finally {
            if (!passed) {
                db.close();
            }
        }
    }

    private void makeFolder() {
        try {
            Files.createDirectories(files());
        } catch (IOException failure) {
            throw new StoreException(Kind.IO, "store folder " + folder + " cannot be made: "
                    + failure.getMessage(), failure);
        }
    }

    private void finish(FormatFile format, Tip tip) {
        if (tip.getCommit() > 0) {
            throw new StoreException(Kind.CORRUPT, "store folder " + folder
                    + " holds commits but its format file is gone; restore it from a backup");
        }
        format.write();
    }

    /**
     * Marks what is found: from now on it is answered for. A store of a release without marks gets its first one here.
     */
    private void requireAcknowledged(Database db, Tip tip) {
        String problem = tailProblem(db, tip);
        if (problem != null) {
            throw new StoreException(Kind.CORRUPT, problem);
        }
        if (db.get(Family.META, Keys.MARKED) == null) {
            mark(db, tip);
        } else {
            renewMark(tip);
        }
    }

    private void renewMark(Tip tip) {
        HighWaterFile.Slots slots = HighWaterFile.read(folder);
        if (slots.broken() > 0) {
            LOG.warn("one of the two marks of the newest commit cannot be read, the other is good");
        }
        if (slots.broken() > 0 || !tip.equals(slots.newest())) {
            HighWaterFile.make(folder, tip);
        }
    }

    private void mark(Database db, Tip tip) {
        HighWaterFile.make(folder, tip);
        try (Batch batch = new Batch(db)) {
            batch.mark(Family.META, Keys.MARKED);
            batch.write();
        }
        db.sync();
    }

    /** What is wrong with the newest commits, in words for the operator; null if nothing is. */
    @Nullable
    String tailProblem(Database db, Tip tip) {
        if (!HighWaterFile.present(folder)) {
            return db.get(Family.META, Keys.MARKED) == null ? null
                    : unknown("file " + HighWaterFile.NAME + " is gone");
        }
        Tip mark = HighWaterFile.read(folder).newest();
        if (mark == null) {
            return unknown("file " + HighWaterFile.NAME + " cannot be read");
        }
        long lost = mark.getCommit() - tip.getCommit();
        if (lost > 0) {
            return "store folder " + folder + " has lost its newest commits: " + mark.getCommit()
                    + " were acknowledged, it ends at " + tip.getCommit()
                    + "; nothing was changed. Restore a backup (./flywheel store restore), or go on"
                    + " without them (./flywheel store accept-loss --commits " + lost + ")";
        }
        return sameAt(db, mark) ? null
                : unknown("commit " + mark.getCommit()
                        + " is not the one that was acknowledged");
    }

    private String unknown(String why) {
        return "store folder " + folder + " may have lost commits: " + why
                + "; nothing was changed. Restore a backup (./flywheel store restore), or go on with"
                + " what is there (./flywheel store accept-loss --commits 0)";
    }

    private static boolean sameAt(Database db, Tip mark) {
        if (mark.getCommit() == 0) {
            return true;
        }
        byte[] entry = db.get(Family.LOG, Keys.number(mark.getCommit()));
        return entry != null
                && Arrays.equals(Digest.of(entry).raw(), mark.getHash().toByteArray());
    }

    /** Takes what is there for all there is; returns the commit that it ends at. */
    long acceptLoss(long commits) {
        if (!new FormatFile(folder).present()) {
            throw new StoreException(Kind.CORRUPT,
                    "store folder " + folder + " holds no store; give the folder of one");
        }
        long[] end = new long[1];
        checked(false, (db, tip) -> {
            requireLost(db, tip, commits);
            mark(db, tip);
            end[0] = tip.getCommit();
        }).close();
        LOG.warn("gave up commits that had been acknowledged: commits={}, the store ends at={}",
                commits, end[0]);
        return end[0];
    }

    private void requireLost(Database db, Tip tip, long commits) {
        String problem = tailProblem(db, tip);
        if (problem == null) {
            throw new StoreException(Kind.CORRUPT, "store folder " + folder
                    + " has lost nothing that was acknowledged; there is nothing to accept");
        }
        Tip mark = HighWaterFile.present(folder) ? HighWaterFile.read(folder).newest() : null;
        long lost = mark == null ? 0 : Math.max(0, mark.getCommit() - tip.getCommit());
        if (lost != commits) {
            throw new StoreException(Kind.CORRUPT, problem);
        }
    }

    /** Throws unless the disk takes as much as opening again is going to write. */
    void probe() {
        Path probe = folder.resolve("probe.tmp");
        try {
            long needed = PROBE_BYTES + logBytes();
            long usable = Files.getFileStore(folder).getUsableSpace();
            if (usable < needed) {
                throw new IOException(usable + " bytes are free, " + needed + " are needed");
            }
            try (FileChannel channel = FileChannel.open(probe, StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                ByteBuffer bytes = ByteBuffer.allocate((int) PROBE_BYTES);
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

    /** Opening moves the write-ahead log into files of its own before it lets go of it. */
    private long logBytes() throws IOException {
        try (Stream<Path> all = Files.list(files())) {
            return all.filter(file -> file.toString().endsWith(".log"))
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }
}
