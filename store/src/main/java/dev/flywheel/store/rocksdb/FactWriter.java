package dev.flywheel.store.rocksdb;

import static dev.flywheel.store.core.BrokenInvariantException.require;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Claim;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.SavedManifestEntry;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
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
    private final SealedManifests sealed;
    private final Set<String> adapters = new TreeSet<>();
    private final Set<BlobReference> added = new HashSet<>();
    private final Set<BlobReference> ended = new HashSet<>();
    /** What this command writes is not in the database yet. */
    private final Map<ByteBuffer, SavedManifestEntry> entries = new HashMap<>();

    FactWriter(Database db, Batch batch, SealedManifests sealed) {
        this.db = db;
        this.batch = batch;
        this.sealed = sealed;
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
            case Fact.HeadMoved moved -> put(moved);
            case Fact.ManifestReplaced replaced -> put(replaced);
            case Fact.RepairAdvanced advanced -> {
                adapters.add(advanced.adapter().getName());
                if (advanced.entry() != null) {
                    put(advanced.entry());
                }
            }
            case Fact.WithdrawnLate late -> adapters.add(late.adapter());
            case Fact.ManifestsExpired expired -> {
                adapters.add(expired.adapter());
                new ExpiredManifests(db).expire(expired, batch);
            }
            case Fact.AliasMoved moved -> put(moved.entry());
            case Fact.BlobsReleased released -> ended.addAll(released.references());
            case Fact.Erased erased -> {
                UserKeys.erase(batch, erased.user());
                new ExpiredManifests(db).erase(erased.user(), batch);
            }
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
        batch.put(Family.MANIFESTS, key, sealed.bytes(claimed));
        put(key, Codec.saved(claimed.entry(), sealed.digest(claimed), true));
        long replays = claimed.entry().summary().getReplays();
        byte @Nullable [] holder = replays == 0 ? null : Keys.value(new Claim(adapter, replays));
        byte[] claim = Keys.value(new Claim(adapter, seq));
        for (Example example : claimed.manifest().getExamplesList()) {
            for (String text : Claim.idsOf(example)) {
                byte[] id = Keys.digest(text);
                require(Arrays.equals(db.get(Family.CLAIMS, id), holder),
                        "example " + example.getExampleId()
                                + " or an event behind it is claimed already");
                batch.put(Family.CLAIMS, id, claim);
            }
        }
    }

    private void put(Fact.ManifestEnded end) {
        adapters.add(end.adapter());
        byte[] key = Keys.of(end.adapter(), end.seq());
        SavedManifestEntry saved = entry(end.adapter(), end.seq());
        ManifestEntry before = Codec.entry(saved);
        require(before.open(), "manifest " + end.seq() + " has ended already");
        put(key, Codec.saved(before.ended(end), saved.getDigest(), saved.getSealed()));
        byte[] claim = Keys.value(new Claim(end.adapter(), end.seq()));
        for (String released : end.released()) {
            byte[] id = Keys.digest(released);
            require(Arrays.equals(db.get(Family.CLAIMS, id), claim),
                    "id " + released + " is not claimed by manifest " + end.seq());
            if (end.replays() == 0) {
                batch.delete(Family.CLAIMS, id);
            } else {
                batch.put(Family.CLAIMS, id, Keys.value(new Claim(end.adapter(), end.replays())));
            }
        }
        if (end.state() == ManifestState.MANIFEST_STATE_ABANDONED && end.replays() != 0) {
            change(end.adapter(), end.replays(),
                    replaced -> replaced.clearReplacedBy().clearWithdrawn());
        }
    }

    private void put(Fact.HeadMoved moved) {
        put(moved.entry());
        for (Fact.HeadMoved.Ended end : moved.ended()) {
            batch.put(Family.VERSIONS, Keys.of(moved.adapter().getName(),
                    end.version().getRef().getNumber()), end.version());
            change(moved.adapter().getName(), end.seq(),
                    summary -> summary.setState(end.manifest()));
        }
    }

    private void put(Fact.ManifestReplaced replaced) {
        adapters.add(replaced.adapter());
        change(replaced.adapter(), replaced.seq(), summary -> summary
                .setReplacedBy(replaced.by())
                .clearWithdrawn()
                .addAllWithdrawn(replaced.withdrawn()));
    }

    private void change(String adapter, long seq, UnaryOperator<ManifestSummary.Builder> change) {
        SavedManifestEntry saved = entry(adapter, seq);
        put(Keys.of(adapter, seq), saved.toBuilder()
                .setSummary(change.apply(saved.getSummary().toBuilder()))
                .build());
    }

    private void put(byte[] key, SavedManifestEntry entry) {
        entries.put(ByteBuffer.wrap(key), entry);
        batch.put(Family.ENTRIES, key, entry);
    }

    private SavedManifestEntry entry(String adapter, long seq) {
        byte[] key = Keys.of(adapter, seq);
        SavedManifestEntry written = entries.get(ByteBuffer.wrap(key));
        if (written != null) {
            return written;
        }
        byte[] bytes = db.get(Family.ENTRIES, key);
        require(bytes != null, "manifest " + seq + " does not exist");
        try {
            return SavedManifestEntry.parseFrom(bytes);
        } catch (InvalidProtocolBufferException broken) {
            throw Failures.corrupt("the entry of manifest " + seq, broken);
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
