package dev.flywheel.store.rocksdb;

import com.google.protobuf.MessageLite;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Claim;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.LoggedFact;
import dev.flywheel.store.format.ManifestClaimed;
import dev.flywheel.store.format.ManifestEnded;
import dev.flywheel.store.format.SavedManifest;
import dev.flywheel.store.format.SavedManifestEntry;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Holds what stands in the families against the facts that it followed from.
 *
 * <p>Counts as it goes, so that rows without a fact are noticed in the end. Examples and events of a manifest that was not
 * abandoned must be claimed by it alone (I1). For one thread.
 */
final class FactCheck {
    private final Database db;
    private final Findings findings;
    private final Set<BlobReference> referred = new HashSet<>();
    /** What repairs wrote over earlier rows, the latest of each: by adapter and version, and by adapter and seq. */
    private final Map<Claim, Fact.HeadMoved.Ended> ends = new HashMap<>();
    private final Map<Claim, ManifestState> states = new HashMap<>();
    /** By adapter the newest manifest that is not kept any more. */
    private final Map<String, Long> expired = new HashMap<>();

    FactCheck(Database db, Findings findings) {
        this.db = db;
        this.findings = findings;
    }

    /** The references that are left after all commits so far. */
    Set<BlobReference> referred() {
        return referred;
    }

    /** To be told of every fact before the first is checked: rows of old versions and manifests are what repairs made of them. */
    void expect(LoggedFact logged) {
        if (LoggedFacts.fact(logged) instanceof Fact.ManifestsExpired gone) {
            expired.merge(gone.adapter(), gone.upToSeq(), Math::max);
        }
        if (LoggedFacts.fact(logged) instanceof Fact.HeadMoved moved) {
            for (Fact.HeadMoved.Ended end : moved.ended()) {
                String adapter = moved.adapter().getName();
                ends.put(new Claim(adapter, end.version().getRef().getNumber()), end);
                states.put(new Claim(adapter, end.seq()), end.manifest());
            }
        }
    }

    /** One commit's facts. References end as they do when it is written: not those that the same commit adds. */
    void check(Iterable<LoggedFact> facts) {
        Set<BlobReference> added = new HashSet<>();
        Set<BlobReference> ended = new HashSet<>();
        for (LoggedFact logged : facts) {
            switch (logged.getFactCase()) {
                case ADAPTER_CREATED -> {
                    version(logged.getAdapterCreated().getStart(), added);
                    audit(logged.getAdapterCreated().getEntry());
                }
                case ADAPTER_CHANGED -> audit(logged.getAdapterChanged().getEntry());
                case MANIFEST_CLAIMED -> manifest(logged.getManifestClaimed());
                case MANIFEST_ENDED -> ended(logged.getManifestEnded());
                case VERSION_COMMITTED -> version(logged.getVersionCommitted().getVersion(), added);
                case ALIAS_MOVED -> audit(logged.getAliasMoved().getEntry());
                case HEAD_MOVED -> audit(logged.getHeadMoved().getEntry());
                case REPAIR_ADVANCED -> audit(logged.getRepairAdvanced().getEntry());
                case BLOBS_RELEASED -> ended.addAll(
                        ((Fact.BlobsReleased) LoggedFacts.fact(logged)).references());
                case USER_ERASED -> erased((Fact.Erased) LoggedFacts.fact(logged));
                case WITHDRAWN -> withdrawn((Fact.Withdrawn) LoggedFacts.fact(logged));
                case EPOCH_ACQUIRED, WITHDRAWN_LATE, MANIFEST_REPLACED, MANIFESTS_EXPIRED,
                        FACT_NOT_SET -> {
                    // Stands in the adapter's state alone.
                }
            }
        }
        ended.removeAll(added);
        referred.addAll(added);
        referred.removeAll(ended);
    }

    private void version(VersionRecord version, Set<BlobReference> added) {
        findings.versions++;
        String adapter = version.getRef().getAdapter();
        long number = version.getRef().getNumber();
        Fact.HeadMoved.Ended end = ends.get(new Claim(adapter, number));
        same("version " + number + " of " + adapter, Family.VERSIONS, Keys.of(adapter, number),
                end == null ? version
                        : version.toBuilder().setState(end.version().getState()).build());
        added.addAll(BlobReference.of(version));
    }

    private void audit(AuditEntry entry) {
        if (entry.getSequence() == 0) {
            return;
        }
        findings.audits++;
        same("audit entry " + entry.getSequence() + " of " + entry.getAdapter(), Family.AUDIT,
                Keys.of(entry.getAdapter(), entry.getSequence()), entry);
    }

    private void same(String where, Family family, byte[] key, MessageLite wanted) {
        findings.part(where, () -> {
            byte[] found = db.get(family, key);
            findings.require(found != null, where, "it is missing");
            findings.require(found == null || Arrays.equals(found, wanted.toByteArray()), where,
                    "it differs from the commit that wrote it");
        });
    }

    private void withdrawn(Fact.Withdrawn withdrawn) {
        for (Tombstone tombstone : withdrawn.tombstones()) {
            findings.tombstones++;
            findings.part("a withdrawal", () -> findings.require(
                    db.get(Family.TOMBSTONES, Keys.of(tombstone)) != null, "a withdrawal",
                    "it is missing: " + tombstone.getClass().getSimpleName()));
        }
    }

    private void erased(Fact.Erased erased) {
        findings.part("a deleted key", () -> {
            byte[] key = db.get(Family.KEYS, UserKeys.id(erased.user()));
            findings.require(key != null && key.length == 0, "a deleted key",
                    key == null ? "that it was deleted is missing" : "it is still there");
        });
    }

    private void manifest(ManifestClaimed claimed) {
        findings.manifests++;
        String where = "manifest " + claimed.getSeq() + " of " + claimed.getAdapter();
        findings.part(where, () -> {
            byte[] key = Keys.of(claimed.getAdapter(), claimed.getSeq());
            byte[] bytes = db.get(Family.MANIFESTS, key);
            SavedManifestEntry entry = entry(key);
            if (entry != null && expired(new Claim(claimed.getAdapter(), claimed.getSeq()))) {
                findings.expired++;
                findings.require(bytes == null && entry.hasExpired(), where,
                        "it has expired and is still there");
                entry(where, claimed, entry);
            } else if (bytes == null || entry == null) {
                findings.damage(where, "it is missing");
            } else if (!Arrays.equals(Digest.of(bytes).raw(), claimed.getDigest().toByteArray())) {
                findings.damage(where, "its bytes no longer match their digest");
            } else {
                manifest(where, claimed, claimed(entry, bytes), entry);
            }
        });
    }

    /** Whether who holds a claim is not kept any more: what it claimed is not known one by one. */
    boolean expired(Claim claim) {
        return claim.seq() <= expired.getOrDefault(claim.adapter(), 0L);
    }

    /** With the ids of its examples at least; throws if what is sealed does not open. */
    private Manifest claimed(SavedManifestEntry entry, byte[] bytes) {
        if (!entry.getSealed()) {
            return Failures.parse(Manifest.parser(), bytes, "a manifest");
        }
        SavedManifest saved = Failures.parse(SavedManifest.parser(), bytes, "a manifest");
        var unused = ManifestSeal.open(saved, id -> db.get(Family.KEYS, id));
        return saved.getManifest();
    }

    private void manifest(String where, ManifestClaimed claimed, Manifest manifest,
            SavedManifestEntry entry) {
        entry(where, claimed, entry);
        findings.require(manifest.getExamplesCount() == claimed.getExamples(), where,
                "it has not as many examples as were claimed");
        ManifestSummary summary = entry.getSummary();
        Set<String> ids = new TreeSet<>();
        for (Example example : manifest.getExamplesList()) {
            ids.addAll(Claim.idsOf(example));
        }
        boolean released = summary.getState() == ManifestState.MANIFEST_STATE_ABANDONED;
        Claim own = new Claim(claimed.getAdapter(), claimed.getSeq());
        for (String id : ids) {
            byte[] holder = db.get(Family.CLAIMS, Keys.digest(id));
            boolean holds = Arrays.equals(holder, Keys.value(own));
            findings.require(released ? !holds : holds || holder != null && heldAgain(own, holder),
                    where, released ? "it was abandoned and still claims " + id
                            : "it does not hold the claim to " + id + ", which is in it (I1)");
            findings.claims += holds ? 1 : 0;
        }
    }

    private void entry(String where, ManifestClaimed claimed, SavedManifestEntry entry) {
        ManifestSummary summary = entry.getSummary();
        findings.require(
                entry.getDigest().equals(claimed.getDigest())
                        && summary.getAdapter().equals(claimed.getAdapter())
                        && summary.getSeq() == claimed.getSeq()
                        && summary.getParent() == claimed.getParent()
                        && summary.getExamples() == claimed.getExamples(),
                where, "its entry differs from the commit that claimed it");
    }

    /** Whether a claim is that of the manifest which holds a replaced one again, or of one that holds that again. */
    private boolean heldAgain(Claim replaced, byte[] holder) {
        Claim by = Keys.claim(holder);
        while (by.adapter().equals(replaced.adapter()) && by.seq() > replaced.seq()) {
            SavedManifestEntry entry = entry(Keys.of(by.adapter(), by.seq()));
            long replays = entry == null ? 0 : entry.getSummary().getReplays();
            if (replays == 0 || replays == replaced.seq()) {
                return replays == replaced.seq();
            }
            by = new Claim(by.adapter(), replays);
        }
        return false;
    }

    private void ended(ManifestEnded ended) {
        String adapter = ended.getOutcome().getAdapter();
        long seq = ended.getOutcome().getSeq();
        String where = "manifest " + seq + " of " + adapter;
        findings.part(where, () -> {
            SavedManifestEntry entry = entry(Keys.of(adapter, seq));
            ManifestState state = states.getOrDefault(new Claim(adapter, seq), ended.getState());
            findings.require(entry != null && entry.getSummary().getState() == state
                    && entry.getSummary().getVersion() == ended.getVersion()
                    && entry.getSummary().getQuarantinedList().equals(ended.getQuarantinedList())
                    && entry.getOutcome().equals(ended.getOutcome()), where,
                    "its entry differs from the commit that ended it");
        });
    }

    private @Nullable SavedManifestEntry entry(byte[] key) {
        byte[] bytes = db.get(Family.ENTRIES, key);
        return bytes == null ? null
                : Failures.parse(SavedManifestEntry.parser(), bytes, "a manifest's entry");
    }
}
