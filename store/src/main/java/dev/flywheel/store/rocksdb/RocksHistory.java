package dev.flywheel.store.rocksdb;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.Claim;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.SavedManifest;
import dev.flywheel.store.format.SavedManifestEntry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/** Reads from the open database. Single gets, because a multi-get of RocksDB's Java face hides errors as absence. */
final class RocksHistory implements CommitHistory {
    private final SharedDatabase shared;

    RocksHistory(SharedDatabase shared) {
        this.shared = shared;
    }

    @Override
    public Map<String, Claim> claims(Collection<String> ids) {
        return shared.use(db -> {
            Map<String, Claim> claims = new HashMap<>();
            for (String id : ids) {
                byte[] claim = db.get(Family.CLAIMS, Keys.digest(id));
                if (claim != null) {
                    claims.put(id, Keys.claim(claim));
                }
            }
            return claims;
        });
    }

    @Override
    public Set<Tombstone> tombstones(Collection<Tombstone> asked) {
        return shared.use(db -> {
            Set<Tombstone> found = new HashSet<>();
            for (Tombstone tombstone : asked) {
                if (db.get(Family.TOMBSTONES, Keys.of(tombstone)) != null) {
                    found.add(tombstone);
                }
            }
            return found;
        });
    }

    @Override
    public @Nullable ManifestEntry manifestEntry(String adapter, long seq) {
        SavedManifestEntry saved = savedEntry(adapter, seq);
        return saved == null ? null : Codec.entry(saved);
    }

    private @Nullable SavedManifestEntry savedEntry(String adapter, long seq) {
        byte[] bytes = get(Family.ENTRIES, Keys.of(adapter, seq));
        return bytes == null ? null
                : Failures.parse(SavedManifestEntry.parser(), bytes, "a manifest's entry");
    }

    @Override
    public List<Example> examples(String adapter, long seq) {
        Manifest manifest = manifest(adapter, seq);
        return manifest == null ? List.of() : manifest.getExamplesList();
    }

    @Override
    public @Nullable Manifest manifest(String adapter, long seq) {
        SavedManifestEntry entry = savedEntry(adapter, seq);
        if (entry == null || entry.hasExpired()) {
            return null;
        }
        byte[] bytes = get(Family.MANIFESTS, Keys.of(adapter, seq));
        if (bytes == null && expired(adapter, seq) != null) {
            return null; // between the two reads
        }
        if (bytes == null
                || !Arrays.equals(Digest.of(bytes).raw(), entry.getDigest().toByteArray())) {
            throw new StoreException(Kind.CORRUPT, "manifest " + seq + " of " + adapter
                    + " no longer matches its digest; restore a backup");
        }
        return entry.getSealed()
                ? ManifestSeal.open(Failures.parse(SavedManifest.parser(), bytes, "a manifest"),
                        id -> get(Family.KEYS, id))
                : Failures.parse(Manifest.parser(), bytes, "a manifest");
    }

    @Override
    public @Nullable Manifest expired(String adapter, long seq) {
        SavedManifestEntry entry = savedEntry(adapter, seq);
        return entry == null || !entry.hasExpired() ? null : entry.getExpired();
    }

    @Override
    public Set<Long> expiredOf(Tombstone.OfUser user, String adapter) {
        return shared.use(db -> new ExpiredManifests(db).of(user, adapter));
    }

    @Override
    public @Nullable VersionRecord version(String adapter, long number) {
        byte[] bytes = get(Family.VERSIONS, Keys.of(adapter, number));
        return bytes == null ? null : Failures.parse(VersionRecord.parser(), bytes, "a version");
    }

    @Override
    public boolean hasBlob(String digest) {
        return shared.use(db -> BlobShelf.has(db, digest));
    }

    @Override
    public byte @Nullable [] blob(String digest) {
        return shared.use(db -> new Found(BlobShelf.get(db, digest))).bytes();
    }

    @Override
    public List<VersionRecord> versionsBefore(String adapter, long before, int limit) {
        List<VersionRecord> versions = new ArrayList<>();
        backwards(Family.VERSIONS, adapter, Keys.of(adapter, before), limit,
                bytes -> versions.add(Failures.parse(VersionRecord.parser(), bytes, "a version")));
        return versions;
    }

    @Override
    public List<AuditEntry> audit(String adapter, int limit) {
        List<AuditEntry> entries = new ArrayList<>();
        backwards(Family.AUDIT, adapter, Keys.of(adapter, -1), limit,
                bytes -> entries.add(Failures.parse(AuditEntry.parser(), bytes, "an audit entry")));
        return entries;
    }

    @Override
    public List<ManifestSummary> manifestsAfter(String adapter, long afterSeq, int limit) {
        byte[] prefix = Keys.prefix(adapter);
        return shared.use(db -> {
            List<ManifestSummary> summaries = new ArrayList<>();
            try (RocksIterator entries = db.iterator(Family.ENTRIES)) {
                for (entries.seek(Keys.of(adapter, afterSeq + 1)); summaries.size() < limit
                        && entries.isValid()
                        && Keys.startsWith(entries.key(), prefix); entries.next()) {
                    summaries.add(Failures.parse(SavedManifestEntry.parser(), entries.value(),
                            "a manifest's entry").getSummary());
                }
                Database.check(entries, Family.ENTRIES);
            }
            return summaries;
        });
    }

    /** Values of an adapter whose keys are below {@code from}, last first. */
    private void backwards(Family family, String adapter, byte[] from, int limit,
            Consumer<byte[]> each) {
        byte[] prefix = Keys.prefix(adapter);
        shared.<Integer>use(db -> {
            int taken = 0;
            try (RocksIterator records = db.iterator(family)) {
                records.seekForPrev(from);
                if (records.isValid() && Arrays.equals(records.key(), from)) {
                    records.prev();
                }
                for (; taken < limit && records.isValid()
                        && Keys.startsWith(records.key(), prefix); records.prev()) {
                    each.accept(records.value());
                    taken++;
                }
                Database.check(records, family);
            }
            return taken;
        });
    }

    private byte @Nullable [] get(Family family, byte[] key) {
        return shared.use(db -> new Found(db.get(family, key))).bytes();
    }

    /** What a lookup found, if anything. */
    private record Found(byte @Nullable [] bytes) {}
}
