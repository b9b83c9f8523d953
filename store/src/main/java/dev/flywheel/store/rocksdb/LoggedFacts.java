package dev.flywheel.store.rocksdb;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.HeadMoved;
import dev.flywheel.store.format.LoggedFact;
import dev.flywheel.store.format.ManifestClaimed;
import dev.flywheel.store.format.SavedTombstone;
import dev.flywheel.store.format.SavedUser;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Facts as the log holds them, read back to apply them to a state once more. */
final class LoggedFacts {

    private LoggedFacts() {}

    /** What follows from the fact for a state; a manifest comes back with as many examples as it has, all of them empty. */
    static Fact fact(LoggedFact logged) {
        return switch (logged.getFactCase()) {
            case ADAPTER_CREATED -> new Fact.AdapterCreated(
                    logged.getAdapterCreated().getAdapter(), logged.getAdapterCreated().getStart(),
                    logged.getAdapterCreated().getEntry());
            case ADAPTER_CHANGED -> new Fact.AdapterChanged(
                    logged.getAdapterChanged().getAdapter(), logged.getAdapterChanged().getEntry());
            case EPOCH_ACQUIRED -> new Fact.EpochAcquired(logged.getEpochAcquired().getAdapter(),
                    logged.getEpochAcquired().getEpoch(), logged.getEpochAcquired().getWriter());
            case MANIFEST_CLAIMED -> claimed(logged.getManifestClaimed());
            case MANIFEST_ENDED -> new Fact.ManifestEnded(
                    logged.getManifestEnded().getOutcome().getAdapter(),
                    logged.getManifestEnded().getOutcome().getSeq(),
                    logged.getManifestEnded().getState(),
                    logged.getManifestEnded().getOutcome(),
                    logged.getManifestEnded().getVersion(),
                    logged.getManifestEnded().getQuarantinedList(), List.of(), 0);
            case VERSION_COMMITTED -> new Fact.VersionCommitted(
                    logged.getVersionCommitted().getVersion());
            case ALIAS_MOVED -> new Fact.AliasMoved(logged.getAliasMoved().getAlias(),
                    logged.getAliasMoved().getEntry());
            case HEAD_MOVED -> moved(logged.getHeadMoved());
            case MANIFEST_REPLACED -> new Fact.ManifestReplaced(
                    logged.getManifestReplaced().getAdapter(),
                    logged.getManifestReplaced().getSeq(), logged.getManifestReplaced().getBy(),
                    logged.getManifestReplaced().getWithdrawnList());
            case REPAIR_ADVANCED -> new Fact.RepairAdvanced(
                    logged.getRepairAdvanced().getAdapter(),
                    logged.getRepairAdvanced().hasEntry() ? logged.getRepairAdvanced().getEntry()
                            : null);
            case WITHDRAWN_LATE -> new Fact.WithdrawnLate(logged.getWithdrawnLate().getAdapter(),
                    logged.getWithdrawnLate().getManifest().getSeq(),
                    logged.getWithdrawnLate().getManifest().getAtMillis());
            case MANIFESTS_EXPIRED -> new Fact.ManifestsExpired(
                    logged.getManifestsExpired().getAdapter(),
                    logged.getManifestsExpired().getFromSeq(),
                    logged.getManifestsExpired().getUpToSeq());
            case BLOBS_RELEASED -> released(logged);
            case WITHDRAWN -> withdrawn(logged);
            case USER_ERASED -> new Fact.Erased(user(logged.getUserErased().getUser()));
            case FACT_NOT_SET -> throw new IllegalArgumentException(
                    "a fact of a kind that this program does not know");
        };
    }

    /** The versions that it ended come back with no more than number, manifest and state. */
    private static Fact moved(HeadMoved moved) {
        List<Fact.HeadMoved.Ended> ended = moved.getEndedList()
                .stream()
                .map(each -> new Fact.HeadMoved.Ended(VersionRecord.newBuilder()
                        .setRef(VersionRef.newBuilder().setNumber(each.getVersion()))
                        .setManifestSeq(each.getSeq())
                        .setState(stateOf(each.getManifest()))
                        .build(), each.getManifest()))
                .toList();
        return new Fact.HeadMoved(moved.getAdapter(), moved.getHead(), ended, moved.getEntry());
    }

    private static VersionState stateOf(ManifestState manifest) {
        return manifest == ManifestState.MANIFEST_STATE_ROLLED_BACK
                ? VersionState.VERSION_STATE_ROLLED_BACK
                : VersionState.VERSION_STATE_REPLACED;
    }

    private static Fact claimed(ManifestClaimed claimed) {
        Manifest manifest = Manifest.newBuilder()
                .setAdapter(claimed.getAdapter())
                .setSeq(claimed.getSeq())
                .setEpoch(claimed.getEpoch())
                .setParent(claimed.getParent())
                .setReplays(claimed.getReplays())
                .addAllExamples(Collections.nCopies(claimed.getExamples(),
                        Example.getDefaultInstance()))
                .build();
        return new Fact.ManifestClaimed(manifest,
                new ManifestEntry(
                        ManifestSummary.newBuilder().setReplays(claimed.getReplays()).build(), "",
                        List.of(), null));
    }

    private static Fact released(LoggedFact logged) {
        List<BlobReference> references = logged.getBlobsReleased()
                .getReferencesList()
                .stream()
                .map(saved -> new BlobReference(saved.getDigest(), saved.getAdapter(),
                        saved.getVersion()))
                .toList();
        return new Fact.BlobsReleased(references.isEmpty() ? "" : references.get(0).adapter(),
                references);
    }

    private static Fact withdrawn(LoggedFact logged) {
        Set<Tombstone> tombstones = new HashSet<>();
        logged.getWithdrawn().getTombstonesList().forEach(each -> tombstones.add(tombstone(each)));
        return new Fact.Withdrawn(tombstones);
    }

    private static Tombstone.OfUser user(SavedUser saved) {
        return new Tombstone.OfUser(saved.getTenant(), saved.getUser());
    }

    private static Tombstone tombstone(SavedTombstone saved) {
        FeedbackKey key = saved.getFeedback();
        return switch (saved.getWhatCase()) {
            case EXAMPLE_ID -> new Tombstone.OfExample(saved.getExampleId());
            case FEEDBACK -> new Tombstone.OfFeedback(key.getSource(), key.getFeedbackId());
            case USER -> user(saved.getUser());
            case WHAT_NOT_SET -> throw new IllegalArgumentException(
                    "a tombstone of a kind that this program does not know");
        };
    }
}
