package dev.flywheel.store.rocksdb;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.LoggedFact;
import dev.flywheel.store.format.ManifestClaimed;
import dev.flywheel.store.format.SavedTombstone;
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
                    logged.getManifestEnded().getQuarantinedList(), List.of());
            case VERSION_COMMITTED -> new Fact.VersionCommitted(
                    logged.getVersionCommitted().getVersion());
            case ALIAS_MOVED -> new Fact.AliasMoved(logged.getAliasMoved().getAlias(),
                    logged.getAliasMoved().getEntry());
            case BLOBS_RELEASED -> released(logged);
            case WITHDRAWN -> withdrawn(logged);
            case FACT_NOT_SET -> throw new IllegalArgumentException(
                    "a fact of a kind that this program does not know");
        };
    }

    private static Fact claimed(ManifestClaimed claimed) {
        Manifest manifest = Manifest.newBuilder()
                .setAdapter(claimed.getAdapter())
                .setSeq(claimed.getSeq())
                .setEpoch(claimed.getEpoch())
                .setParent(claimed.getParent())
                .addAllExamples(Collections.nCopies(claimed.getExamples(),
                        Example.getDefaultInstance()))
                .build();
        return new Fact.ManifestClaimed(manifest,
                new ManifestEntry(ManifestSummary.getDefaultInstance(), "", List.of(), null));
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

    private static Tombstone tombstone(SavedTombstone saved) {
        FeedbackKey key = saved.getFeedback();
        return switch (saved.getWhatCase()) {
            case EXAMPLE_ID -> new Tombstone.OfExample(saved.getExampleId());
            case FEEDBACK -> new Tombstone.OfFeedback(key.getSource(), key.getFeedbackId());
            case USER -> new Tombstone.OfUser(saved.getUser().getTenant(),
                    saved.getUser().getUser());
            case WHAT_NOT_SET -> throw new IllegalArgumentException(
                    "a tombstone of a kind that this program does not know");
        };
    }
}
