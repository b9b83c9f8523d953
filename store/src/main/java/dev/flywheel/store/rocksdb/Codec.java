package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.VersionRange;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.OpenManifest;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.core.VersionRanges;
import dev.flywheel.store.format.AdapterChanged;
import dev.flywheel.store.format.AdapterCreated;
import dev.flywheel.store.format.AliasMoved;
import dev.flywheel.store.format.BlobsReleased;
import dev.flywheel.store.format.EndedVersion;
import dev.flywheel.store.format.EpochAcquired;
import dev.flywheel.store.format.HeadMoved;
import dev.flywheel.store.format.LoggedFact;
import dev.flywheel.store.format.ManifestClaimed;
import dev.flywheel.store.format.ManifestEnded;
import dev.flywheel.store.format.ManifestReplaced;
import dev.flywheel.store.format.ManifestsExpired;
import dev.flywheel.store.format.RepairAdvanced;
import dev.flywheel.store.format.SavedAdapter;
import dev.flywheel.store.format.SavedBlobReference;
import dev.flywheel.store.format.SavedManifestEntry;
import dev.flywheel.store.format.SavedOpenManifest;
import dev.flywheel.store.format.SavedTombstone;
import dev.flywheel.store.format.SavedUser;
import dev.flywheel.store.format.UserErased;
import dev.flywheel.store.format.VersionCommitted;
import dev.flywheel.store.format.Withdrawn;
import dev.flywheel.store.format.WithdrawnLate;
import dev.flywheel.store.format.WithdrawnManifest;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Facts and states as the messages of the disk format, and back where they are read back. */
final class Codec {

    private Codec() {}

    /** @param digest of the bytes as which a manifest that the fact claims is stored; empty if it claims none */
    static LoggedFact logged(Fact fact, ByteString digest) {
        LoggedFact.Builder logged = LoggedFact.newBuilder();
        switch (fact) {
            case Fact.AdapterCreated created -> logged.setAdapterCreated(AdapterCreated.newBuilder()
                    .setAdapter(created.adapter())
                    .setStart(created.start())
                    .setEntry(created.entry()));
            case Fact.AdapterChanged changed -> logged.setAdapterChanged(AdapterChanged.newBuilder()
                    .setAdapter(changed.adapter())
                    .setEntry(changed.entry()));
            case Fact.EpochAcquired acquired -> logged.setEpochAcquired(EpochAcquired.newBuilder()
                    .setAdapter(acquired.adapter())
                    .setEpoch(acquired.epoch())
                    .setWriter(acquired.writer()));
            case Fact.ManifestClaimed claimed ->
                logged.setManifestClaimed(claimed(claimed, digest));
            case Fact.ManifestEnded ended -> logged.setManifestEnded(ManifestEnded.newBuilder()
                    .setState(ended.state())
                    .setOutcome(ended.outcome())
                    .setVersion(ended.version())
                    .addAllQuarantined(ended.quarantined()));
            case Fact.VersionCommitted committed -> logged.setVersionCommitted(
                    VersionCommitted.newBuilder().setVersion(committed.version()));
            case Fact.HeadMoved moved -> logged.setHeadMoved(moved(moved));
            case Fact.ManifestReplaced replaced -> logged.setManifestReplaced(
                    ManifestReplaced.newBuilder()
                            .setAdapter(replaced.adapter())
                            .setSeq(replaced.seq())
                            .setBy(replaced.by())
                            .addAllWithdrawn(replaced.withdrawn()));
            case Fact.RepairAdvanced advanced -> {
                RepairAdvanced.Builder one =
                        RepairAdvanced.newBuilder().setAdapter(advanced.adapter());
                if (advanced.entry() != null) {
                    one.setEntry(advanced.entry());
                }
                logged.setRepairAdvanced(one);
            }
            case Fact.WithdrawnLate late -> logged.setWithdrawnLate(WithdrawnLate.newBuilder()
                    .setAdapter(late.adapter())
                    .setManifest(WithdrawnManifest.newBuilder()
                            .setSeq(late.seq())
                            .setAtMillis(late.atMillis())));
            case Fact.ManifestsExpired expired ->
                logged.setManifestsExpired(ManifestsExpired.newBuilder()
                        .setAdapter(expired.adapter())
                        .setFromSeq(expired.fromSeq())
                        .setUpToSeq(expired.upToSeq()));
            case Fact.AliasMoved moved -> logged.setAliasMoved(AliasMoved.newBuilder()
                    .setAlias(moved.alias())
                    .setEntry(moved.entry()));
            case Fact.BlobsReleased released -> logged.setBlobsReleased(released(released));
            case Fact.Erased erased -> logged.setUserErased(UserErased.newBuilder()
                    .setUser(SavedUser.newBuilder()
                            .setTenant(erased.user().tenant())
                            .setUser(erased.user().user())));
            case Fact.Withdrawn withdrawn -> logged.setWithdrawn(withdrawn(withdrawn));
        }
        return logged.build();
    }

    private static HeadMoved moved(Fact.HeadMoved moved) {
        HeadMoved.Builder logged = HeadMoved.newBuilder()
                .setAdapter(moved.adapter())
                .setHead(moved.head())
                .setEntry(moved.entry());
        for (Fact.HeadMoved.Ended end : moved.ended()) {
            logged.addEnded(EndedVersion.newBuilder()
                    .setVersion(end.version().getRef().getNumber())
                    .setSeq(end.seq())
                    .setManifest(end.manifest()));
        }
        return logged.build();
    }

    private static ManifestClaimed claimed(Fact.ManifestClaimed claimed, ByteString digest) {
        return ManifestClaimed.newBuilder()
                .setAdapter(claimed.manifest().getAdapter())
                .setSeq(claimed.manifest().getSeq())
                .setEpoch(claimed.manifest().getEpoch())
                .setParent(claimed.manifest().getParent())
                .setExamples(claimed.manifest().getExamplesCount())
                .setReplays(claimed.manifest().getReplays())
                .setDigest(digest)
                .build();
    }

    private static BlobsReleased released(Fact.BlobsReleased released) {
        BlobsReleased.Builder references = BlobsReleased.newBuilder();
        for (BlobReference reference : released.references()) {
            references.addReferences(SavedBlobReference.newBuilder()
                    .setDigest(reference.digest())
                    .setAdapter(reference.adapter())
                    .setVersion(reference.version()));
        }
        return references.build();
    }

    private static Withdrawn withdrawn(Fact.Withdrawn withdrawn) {
        Withdrawn.Builder tombstones = Withdrawn.newBuilder();
        for (Tombstone tombstone : withdrawn.tombstones()) {
            tombstones.addTombstones(saved(tombstone));
        }
        return tombstones.build();
    }

    private static SavedTombstone saved(Tombstone tombstone) {
        SavedTombstone.Builder saved = SavedTombstone.newBuilder();
        switch (tombstone) {
            case Tombstone.OfExample of -> saved.setExampleId(of.exampleId());
            case Tombstone.OfFeedback of -> saved.setFeedback(FeedbackKey.newBuilder()
                    .setSource(of.source())
                    .setFeedbackId(of.feedbackId()));
            case Tombstone.OfUser of -> saved.setUser(SavedUser.newBuilder()
                    .setTenant(of.tenant())
                    .setUser(of.user()));
        }
        return saved.build();
    }

    static SavedAdapter saved(AdapterState adapter) {
        SavedAdapter.Builder saved = SavedAdapter.newBuilder()
                .setRecord(adapter.record())
                .setEpoch(adapter.epoch())
                .setNextSeq(adapter.nextSeq())
                .setLastVersion(adapter.lastVersion())
                .setHeadVersion(adapter.headVersion())
                .addAllAliases(adapter.aliases().values())
                .setAudits(adapter.audits())
                .addAllLineage(adapter.lineage().asList())
                .setRepairEpoch(adapter.repairEpoch())
                .setManifestsFrom(adapter.manifestsFrom());
        adapter.withdrawn()
                .forEach((seq, at) -> saved
                        .addWithdrawn(WithdrawnManifest.newBuilder().setSeq(seq).setAtMillis(at)));
        for (OpenManifest open : adapter.open().values()) {
            saved.addOpen(SavedOpenManifest.newBuilder()
                    .setSeq(open.seq())
                    .setEpoch(open.epoch())
                    .setParent(open.parent())
                    .setExamples(open.examples())
                    .setReplays(open.replays()));
        }
        return saved.build();
    }

    static AdapterState adapter(byte[] bytes) {
        try {
            SavedAdapter saved = SavedAdapter.parseFrom(bytes);
            SortedMap<String, AliasRecord> aliases = new TreeMap<>();
            saved.getAliasesList().forEach(alias -> aliases.put(alias.getAlias(), alias));
            SortedMap<Long, OpenManifest> open = new TreeMap<>();
            saved.getOpenList()
                    .forEach(one -> open.put(one.getSeq(), new OpenManifest(one.getSeq(),
                            one.getEpoch(), one.getParent(), one.getExamples(), one.getReplays())));
            SortedMap<Long, Long> withdrawn = new TreeMap<>();
            saved.getWithdrawnList().forEach(one -> withdrawn.put(one.getSeq(), one.getAtMillis()));
            return new AdapterState(saved.getRecord(), saved.getEpoch(), saved.getNextSeq(),
                    saved.getLastVersion(), saved.getHeadVersion(), aliases, open,
                    saved.getAudits(), lineage(saved), saved.getRepairEpoch(), withdrawn,
                    Math.max(1, saved.getManifestsFrom()));
        } catch (InvalidProtocolBufferException broken) {
            throw Failures.corrupt("a saved adapter", broken);
        }
    }

    /** Of an adapter that was saved before HEAD could go back every version is an ancestor. */
    private static VersionRanges lineage(SavedAdapter saved) {
        return VersionRanges.of(saved.getLineageCount() > 0 ? saved.getLineageList()
                : List.of(VersionRange.newBuilder().setLast(saved.getRecord().getHead()).build()));
    }

    static SavedManifestEntry saved(ManifestEntry entry, ByteString manifestDigest,
            boolean sealed) {
        SavedManifestEntry.Builder saved = SavedManifestEntry.newBuilder()
                .setSummary(entry.summary())
                .setRequestDigest(entry.requestDigest())
                .addAllRefused(entry.refused())
                .setDigest(manifestDigest)
                .setSealed(sealed);
        if (entry.outcome() != null) {
            saved.setOutcome(entry.outcome());
        }
        return saved.build();
    }

    static ManifestEntry entry(SavedManifestEntry saved) {
        return new ManifestEntry(saved.getSummary(), saved.getRequestDigest(),
                saved.getRefusedList(), saved.hasOutcome() ? saved.getOutcome() : null);
    }
}
