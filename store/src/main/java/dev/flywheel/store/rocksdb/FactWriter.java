package dev.flywheel.store.rocksdb;

import static dev.flywheel.store.core.BrokenInvariantException.require;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Claim;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.SavedManifestEntry;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/**
 * Writes what follows from one command's facts into its batch.
 *
 * <p>Asserts, in production too, that no claim is ever overwritten or taken from another manifest (I1): then nothing is
 * written. One per command; not thread-safe.
 */
final class FactWriter {
    private final Database db;
    private final Batch batch;
    private final Set<String> adapters = new TreeSet<>();
    private final Set<BlobReference> added = new HashSet<>();
    private final Set<BlobReference> ended = new HashSet<>();

    FactWriter(Database db, Batch batch) {
        this.db = db;
        this.batch = batch;
    }

    /** The adapters whose state changed. */
    Set<String> write(List<Fact> facts) {
        facts.forEach(this::write);
        dropBlobs();
        return adapters;
    }

    private void write(Fact fact) {
        switch (fact) {
            case Fact.AdapterCreated created -> {
                put(created.entry());
                put(created.start());
            }
            case Fact.AdapterChanged changed -> put(changed.entry());
            case Fact.EpochAcquired acquired -> adapters.add(acquired.adapter());
            case Fact.ManifestClaimed claimed -> put(claimed);
            case Fact.ManifestEnded end -> put(end);
            case Fact.VersionCommitted committed -> {
                adapters.add(committed.version().getRef().getAdapter());
                put(committed.version());
            }
            case Fact.AliasMoved moved -> put(moved.entry());
            case Fact.BlobsReleased released -> ended.addAll(released.references());
            case Fact.Withdrawn withdrawn -> {
                for (Tombstone tombstone : withdrawn.tombstones()) {
                    batch.mark(Family.TOMBSTONES, Keys.of(tombstone));
                }
            }
        }
    }

    /** What was done to an adapter, which has changed with it. */
    private void put(AuditEntry entry) {
        adapters.add(entry.getAdapter());
        batch.put(Family.AUDIT, Keys.of(entry.getAdapter(), entry.getSequence()), entry);
    }

    private void put(VersionRecord version) {
        batch.put(Family.VERSIONS,
                Keys.of(version.getRef().getAdapter(), version.getRef().getNumber()), version);
        added.addAll(BlobReference.of(version));
    }

    private void put(Fact.ManifestClaimed claimed) {
        String adapter = claimed.manifest().getAdapter();
        long seq = claimed.manifest().getSeq();
        adapters.add(adapter);
        byte[] key = Keys.of(adapter, seq);
        require(db.get(Family.ENTRIES, key) == null, "manifest " + seq + " exists already");
        byte[] bytes = claimed.manifest().toByteArray();
        batch.put(Family.MANIFESTS, key, bytes);
        batch.put(Family.ENTRIES, key,
                Codec.saved(claimed.entry(), ByteString.copyFrom(Digest.of(bytes).raw())));
        byte[] claim = Keys.value(new Claim(adapter, seq));
        for (Example example : claimed.manifest().getExamplesList()) {
            for (String text : Claim.idsOf(example)) {
                byte[] id = Keys.digest(text);
                require(db.get(Family.CLAIMS, id) == null, "example " + example.getExampleId()
                        + " or an event behind it is claimed already");
                batch.put(Family.CLAIMS, id, claim);
            }
        }
    }

    private void put(Fact.ManifestEnded end) {
        adapters.add(end.adapter());
        byte[] key = Keys.of(end.adapter(), end.seq());
        SavedManifestEntry saved = savedEntry(db.get(Family.ENTRIES, key), end);
        ManifestEntry before = Codec.entry(saved);
        require(before.open(), "manifest " + end.seq() + " has ended already");
        batch.put(Family.ENTRIES, key, Codec.saved(before.ended(end), saved.getDigest()));
        byte[] claim = Keys.value(new Claim(end.adapter(), end.seq()));
        for (String released : end.released()) {
            byte[] id = Keys.digest(released);
            require(Arrays.equals(db.get(Family.CLAIMS, id), claim),
                    "id " + released + " is not claimed by manifest " + end.seq());
            batch.delete(Family.CLAIMS, id);
        }
    }

    private static SavedManifestEntry savedEntry(byte @Nullable [] bytes,
            Fact.ManifestEnded end) {
        try {
            require(bytes != null, "manifest " + end.seq() + " does not exist");
            return SavedManifestEntry.parseFrom(bytes);
        } catch (InvalidProtocolBufferException broken) {
            throw Failures.corrupt("the entry of manifest " + end.seq(), broken);
        }
    }

    /** References first, so that a blob which one version leaves and another takes up in the same commit stays. */
    private void dropBlobs() {
        added.forEach(reference -> batch.mark(Family.REFERENCES, Keys.of(reference)));
        Set<String> candidates = new TreeSet<>();
        for (BlobReference reference : ended) {
            if (!added.contains(reference)) {
                batch.delete(Family.REFERENCES, Keys.of(reference));
                candidates.add(reference.digest());
            }
        }
        for (String digest : candidates) {
            boolean takenUp = added.stream().anyMatch(r -> r.digest().equals(digest));
            if (!takenUp && !referredToBesidesEnded(digest)) {
                batch.delete(Family.BLOBS, Keys.digest(digest));
                batch.delete(Family.UPLOADS, Keys.digest(digest));
            }
        }
    }

    private boolean referredToBesidesEnded(String digest) {
        Set<ByteBuffer> endedKeys = new HashSet<>();
        for (BlobReference reference : ended) {
            endedKeys.add(ByteBuffer.wrap(Keys.of(reference)));
        }
        byte[] prefix = Keys.digest(digest);
        try (RocksIterator references = db.iterator(Family.REFERENCES)) {
            for (references.seek(prefix); references.isValid()
                    && Keys.startsWith(references.key(), prefix); references.next()) {
                if (!endedKeys.contains(ByteBuffer.wrap(references.key()))) {
                    return true;
                }
            }
            Database.check(references, Family.REFERENCES);
            return false;
        }
    }
}
