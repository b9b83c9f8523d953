package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.BrokenInvariantException;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.format.LogEntry;
import dev.flywheel.store.format.SavedManifestEntry;
import dev.flywheel.store.format.Tip;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/**
 * Checks all of a store that nobody has open, and changes nothing.
 *
 * <p>Files: block checksums, the mark of the newest commit. Log: the whole hash chain, applied once more from the first commit
 * under the rules of today, so that what must hold (I2 and others) is asked of every commit. What follows from it: each
 * version, manifest, claim (I1), audit entry, withdrawal and reference is there, as it was written, and nothing besides. Blobs
 * and manifests: their digests. Memory follows adapters and kept versions, not examples.
 */
public final class StoreCheck {
    private static final long STEPS_BETWEEN_REPORTS = 256;

    private final Path folder;
    private final CheckProgress progress;
    private final Findings findings = new Findings();

    private StoreCheck(Path folder, CheckProgress progress) {
        this.folder = folder;
        this.progress = progress;
    }

    /** The caller makes sure that no store is open in the folder. */
    public static CheckReport of(Path folder, CheckProgress progress) {
        StoreCheck check = new StoreCheck(folder.toAbsolutePath(), progress);
        check.run();
        return check.findings.report();
    }

    private void run() {
        boolean made = findings.part("format", () -> findings.require(
                new FormatFile(folder).present(), "format", "the file is missing"));
        if (!made) {
            return;
        }
        try (Database db = Database.openReadOnly(folder.resolve("rocksdb"))) {
            progress.at("checksums", 0, 1);
            findings.part("files", db::verifyChecksums);
            progress.at("checksums", 1, 1);
            check(db);
        } catch (StoreException refused) {
            findings.damage("database", String.valueOf(refused.getMessage()));
        }
    }

    private void check(Database db) {
        FactCheck facts = new FactCheck(db, findings);
        StoreState[] state = {StoreState.EMPTY};
        boolean walked = findings.part("log", () -> {
            Tip tip = HashChain.tip(db);
            mark(db, tip);
            repairs(db, facts);
            state[0] = walk(db, tip, facts);
        });
        findings.adapters = state[0].adapterCount();
        if (walked && findings.commits == state[0].commit()) {
            findings.part("adapters", () -> adapters(db, state[0]));
            findings.part("references", () -> references(db, facts.referred()));
            count(db, Family.VERSIONS, findings.versions);
            count(db, Family.MANIFESTS, findings.manifests - findings.expired);
            count(db, Family.ENTRIES, findings.manifests);
            count(db, Family.CLAIMS, findings.claims,
                    holder -> !facts.expired(Keys.claim(holder)));
            count(db, Family.AUDIT, findings.audits);
            count(db, Family.TOMBSTONES, findings.tombstones);
        }
        findings.part("blobs", () -> blobs(db));
    }

    private void mark(Database db, Tip tip) {
        String problem = new StoreFolder(folder).tailProblem(db, tip);
        if (problem != null) {
            findings.damage("newest commits", problem);
        }
        if (!HighWaterFile.present(folder)) {
            return;
        }
        HighWaterFile.Slots slots = HighWaterFile.read(folder);
        Tip newest = slots.newest();
        findings.marked = newest == null ? -1 : newest.getCommit();
        if (newest != null && slots.broken() > 0) {
            findings.note("one of the two marks in " + HighWaterFile.NAME
                    + " cannot be read; the other is good, and opening the store renews both");
        }
    }

    /** Reads the log once for what repairs and expiry wrote over earlier rows; what cannot be read is found by the walk. */
    private static void repairs(Database db, FactCheck facts) {
        try (RocksIterator log = db.iterator(Family.LOG)) {
            for (log.seekToFirst(); log.isValid(); log.next()) {
                Failures.parse(LogEntry.parser(), log.value(), "a commit")
                        .getFactsList()
                        .stream()
                        .filter(fact -> fact.hasHeadMoved() || fact.hasManifestsExpired())
                        .forEach(facts::expect);
            }
            Database.check(log, Family.LOG);
        }
    }

    /** Every commit from the first: its place, its hash, its facts. Stops at the first that is broken. */
    private StoreState walk(Database db, Tip tip, FactCheck facts) {
        StoreState state = StoreState.EMPTY;
        ByteString previous = ByteString.EMPTY;
        try (RocksIterator log = db.iterator(Family.LOG)) {
            for (log.seekToFirst(); log.isValid(); log.next()) {
                String where = "commit " + (state.commit() + 1);
                LogEntry entry =
                        Failures.parse(LogEntry.parser(), log.value(), where);
                if (Keys.number(log.key()) != state.commit() + 1
                        || entry.getCommit() != state.commit() + 1
                        || !entry.getPrevious().equals(previous)) {
                    findings.damage(where, "it is missing, or does not follow the one before it");
                    return state;
                }
                previous = ByteString.copyFrom(Digest.of(log.value()).raw());
                StoreState after = apply(where, state, entry);
                if (after == state) {
                    return state;
                }
                state = after;
                findings.commits = state.commit();
                facts.check(entry.getFactsList());
                tell("log", state.commit(), tip.getCommit());
            }
            Database.check(log, Family.LOG);
        }
        findings.require(state.commit() == tip.getCommit() && previous.equals(tip.getHash()),
                "log", "it ends at commit " + state.commit() + ", its mark says "
                        + tip.getCommit() + " or another hash");
        progress.at("log", state.commit(), tip.getCommit());
        return state;
    }

    /** The same state if it cannot be applied. */
    private StoreState apply(String where, StoreState state, LogEntry entry) {
        try {
            List<Fact> facts = entry.getFactsList().stream().map(LoggedFacts::fact).toList();
            return state.after(facts);
        } catch (BrokenInvariantException | IllegalArgumentException broken) {
            findings.damage(where, "it breaks a rule: " + broken.getMessage());
            return state;
        }
    }

    private void adapters(Database db, StoreState state) {
        for (AdapterState adapter : state.sorted()) {
            String where = "adapter " + adapter.name();
            byte[] saved = db.get(Family.ADAPTERS, Keys.text(adapter.name()));
            findings.require(saved != null && Codec.adapter(saved).equals(adapter), where,
                    saved == null ? "it is missing" : "it differs from what its commits made it");
            findings.part(where, () -> chain(db, adapter));
        }
        count(db, Family.ADAPTERS, state.adapterCount());
    }

    /** From HEAD each version has one parent, with a lower number, down to 0, and a committed manifest (I2). */
    private void chain(Database db, AdapterState adapter) {
        for (long number = adapter.head(); number != 0;) {
            String where = "version " + number + " of " + adapter.name();
            VersionRecord version = version(db, adapter.name(), number);
            long parent = version.getParent();
            SavedManifestEntry made = manifest(db, adapter.name(), version.getManifestSeq());
            findings.require(made.getSummary().getVersion() == number
                    && made.getSummary().getParent() == parent
                    && made.getSummary().getState() == ManifestState.MANIFEST_STATE_COMMITTED,
                    where, "no committed manifest made it of its parent (I2)");
            if (Long.compareUnsigned(parent, number) >= 0) {
                findings.damage(where, "its parent is " + parent + ", which is not before it (I2)");
                return;
            }
            number = parent;
        }
    }

    private static VersionRecord version(Database db, String adapter, long number) {
        byte[] bytes = db.get(Family.VERSIONS, Keys.of(adapter, number));
        return bytes == null ? VersionRecord.getDefaultInstance()
                : Failures.parse(VersionRecord.parser(), bytes, "a version");
    }

    private static SavedManifestEntry manifest(Database db, String adapter, long seq) {
        byte[] bytes = db.get(Family.ENTRIES, Keys.of(adapter, seq));
        return bytes == null ? SavedManifestEntry.getDefaultInstance()
                : Failures.parse(SavedManifestEntry.parser(), bytes, "a manifest's entry");
    }

    private void references(Database db, Set<BlobReference> referred) {
        for (BlobReference reference : referred) {
            String where = "version " + reference.version() + " of " + reference.adapter();
            findings.require(db.get(Family.REFERENCES, Keys.of(reference)) != null, where,
                    "its reference to blob " + reference.digest() + " is missing");
            findings.require(BlobShelf.has(db, reference.digest()), where,
                    "its blob " + reference.digest() + " is missing");
        }
        count(db, Family.REFERENCES, referred.size());
    }

    private void count(Database db, Family family, long wanted) {
        count(db, family, wanted, value -> true);
    }

    private void count(Database db, Family family, long wanted, Predicate<byte[]> counts) {
        String where = "family " + family.name().toLowerCase(Locale.ROOT);
        findings.part(where, () -> {
            long found = 0;
            try (RocksIterator rows = db.iterator(family)) {
                for (rows.seekToFirst(); rows.isValid(); rows.next()) {
                    found += counts.test(rows.value()) ? 1 : 0;
                }
                Database.check(rows, family);
            }
            findings.require(found == wanted, where,
                    "it has " + found + " rows, its commits wrote " + wanted);
        });
    }

    private void blobs(Database db) {
        int before = findings.damages();
        try (RocksIterator uploads = db.iterator(Family.UPLOADS)) {
            for (uploads.seekToFirst(); uploads.isValid(); uploads.next()) {
                byte[] key = uploads.key();
                String where = "blob " + Keys.digest(key);
                findings.blobs++;
                findings.part(where, () -> blob(where, key, db.get(Family.BLOBS, key)));
                tell("blobs", findings.blobs, findings.blobs);
            }
            Database.check(uploads, Family.UPLOADS);
        }
        // Counting reads them too: what is damaged is named once.
        if (findings.damages() == before) {
            count(db, Family.BLOBS, findings.blobs);
        }
        progress.at("blobs", findings.blobs, findings.blobs);
    }

    private void blob(String where, byte[] key, byte @Nullable [] bytes) {
        if (bytes == null) {
            findings.damage(where, "it is missing");
            return;
        }
        findings.blobBytes += bytes.length;
        findings.require(Arrays.equals(Digest.of(bytes).raw(), key), where,
                "its bytes no longer match their digest");
    }

    private void tell(String step, long done, long total) {
        if (done % STEPS_BETWEEN_REPORTS == 0) {
            progress.at(step, done, total);
        }
    }
}
