package dev.flywheel.store;

import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.BlobReference;
import dev.flywheel.store.core.Claim;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.CommitLog;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.ManifestEntry;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.core.Tombstone;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The commit log as maps: what the one on disk is compared with. Not thread-safe. */
public final class InMemoryCommitLog implements CommitLog, CommitHistory {
    private StoreState state = StoreState.EMPTY;
    private final Map<String, Claim> claims = new HashMap<>();
    private final Set<Tombstone> tombstones = new HashSet<>();
    private final Map<String, NavigableMap<Long, ManifestEntry>> entries = new HashMap<>();
    private final Map<String, NavigableMap<Long, Manifest>> manifests = new HashMap<>();
    private final Map<String, NavigableMap<Long, Manifest>> expired = new HashMap<>();
    private final Map<String, NavigableMap<Long, VersionRecord>> versions = new HashMap<>();
    private final Map<String, List<AuditEntry>> audit = new HashMap<>();
    private final Map<String, byte[]> blobs = new HashMap<>();
    private final Set<BlobReference> references = new HashSet<>();

    @Override
    public StoreState load() {
        return state;
    }

    @Override
    public CommitHistory history() {
        return this;
    }

    @Override
    public void append(List<Fact> facts, StoreState after, long atMillis) {
        facts.forEach(this::append);
        state = after;
    }

    private void append(Fact fact) {
        switch (fact) {
            case Fact.AdapterCreated created -> {
                append(created.entry());
                append(created.start());
            }
            case Fact.AdapterChanged changed -> append(changed.entry());
            case Fact.EpochAcquired ignored -> {
                // Stands in the state only.
            }
            case Fact.ManifestClaimed claimed -> {
                Manifest manifest = claimed.manifest();
                of(manifests, manifest.getAdapter()).put(manifest.getSeq(), manifest);
                of(entries, manifest.getAdapter()).put(manifest.getSeq(), claimed.entry());
                for (Example example : manifest.getExamplesList()) {
                    for (String id : Claim.idsOf(example)) {
                        claims.put(id, new Claim(manifest.getAdapter(), manifest.getSeq()));
                    }
                }
            }
            case Fact.ManifestEnded ended -> {
                of(entries, ended.adapter()).compute(ended.seq(), (seq, e) -> e.ended(ended));
                for (String released : ended.released()) {
                    if (ended.replays() == 0) {
                        claims.remove(released);
                    } else {
                        claims.put(released, new Claim(ended.adapter(), ended.replays()));
                    }
                }
                if (ended.state() == ManifestState.MANIFEST_STATE_ABANDONED
                        && ended.replays() != 0) {
                    change(ended.adapter(), ended.replays(),
                            summary -> summary.clearReplacedBy().clearWithdrawn());
                }
            }
            case Fact.VersionCommitted committed -> append(committed.version());
            case Fact.AliasMoved moved -> append(moved.entry());
            case Fact.HeadMoved moved -> {
                append(moved.entry());
                for (Fact.HeadMoved.Ended end : moved.ended()) {
                    of(versions, moved.adapter().getName())
                            .put(end.version().getRef().getNumber(), end.version());
                    change(moved.adapter().getName(), end.seq(),
                            summary -> summary.setState(end.manifest()));
                }
            }
            case Fact.ManifestReplaced replaced -> change(replaced.adapter(), replaced.seq(),
                    summary -> summary.setReplacedBy(replaced.by())
                            .clearWithdrawn()
                            .addAllWithdrawn(replaced.withdrawn()));
            case Fact.RepairAdvanced advanced -> {
                if (advanced.entry() != null) {
                    append(advanced.entry());
                }
            }
            case Fact.WithdrawnLate ignored -> {
                // Stands in the state only.
            }
            case Fact.ManifestsExpired gone -> {
                NavigableMap<Long, Manifest> kept = of(manifests, gone.adapter());
                Map<Long, Manifest> run =
                        kept.subMap(gone.fromSeq(), true, gone.upToSeq(), true);
                of(expired, gone.adapter()).putAll(run);
                run.clear();
            }
            case Fact.BlobsReleased released -> {
                released.references().forEach(references::remove);
                for (BlobReference one : released.references()) {
                    if (references.stream().noneMatch(r -> r.digest().equals(one.digest()))) {
                        blobs.remove(one.digest());
                    }
                }
            }
            case Fact.Erased erased -> {
                List.of(manifests, expired)
                        .forEach(some -> some.values()
                                .forEach(ofAdapter -> ofAdapter.replaceAll(
                                        (seq, manifest) -> without(manifest, erased.user()))));
            }
            case Fact.Withdrawn withdrawn -> tombstones.addAll(withdrawn.tombstones());
        }
    }

    private void change(String adapter, long seq, UnaryOperator<ManifestSummary.Builder> change) {
        of(entries, adapter).computeIfPresent(seq, (key, entry) -> new ManifestEntry(
                change.apply(entry.summary().toBuilder()).build(), entry.requestDigest(),
                entry.refused(), entry.outcome()));
    }

    private static Manifest without(Manifest manifest, Tombstone.OfUser user) {
        Manifest.Builder kept = manifest.toBuilder().clearExamples().clearReplayed();
        for (Example example : manifest.getExamplesList()) {
            if (Tombstone.withdrawing(example).contains(user)) {
                kept.addErased(example.getExampleId());
            } else {
                kept.addExamples(example);
            }
        }
        manifest.getReplayedList()
                .stream()
                .filter(example -> !Tombstone.withdrawing(example).contains(user))
                .forEach(kept::addReplayed);
        return kept.build();
    }

    private void append(AuditEntry entry) {
        audit.computeIfAbsent(entry.getAdapter(), n -> new ArrayList<>()).addFirst(entry);
    }

    private void append(VersionRecord version) {
        of(versions, version.getRef().getAdapter()).put(version.getRef().getNumber(), version);
        references.addAll(BlobReference.of(version));
    }

    private static <T> NavigableMap<Long, T> of(Map<String, NavigableMap<Long, T>> all,
            String adapter) {
        return all.computeIfAbsent(adapter, name -> new TreeMap<>());
    }

    @Override
    public void putBlob(String digest, byte[] bytes, long atMillis) {
        blobs.put(digest, bytes.clone());
    }

    @Override
    public void sync() {}

    @Override
    public void settle() {}

    @Override
    public void reopen(long atMillis) {}

    @Override
    public void close() {}

    @Override
    public Map<String, Claim> claims(Collection<String> exampleIds) {
        Map<String, Claim> found = new HashMap<>(claims);
        found.keySet().retainAll(exampleIds);
        return found;
    }

    @Override
    public Set<Tombstone> tombstones(Collection<Tombstone> asked) {
        Set<Tombstone> found = new HashSet<>(asked);
        found.retainAll(tombstones);
        return found;
    }

    @Override
    public @Nullable ManifestEntry manifestEntry(String adapter, long seq) {
        return of(entries, adapter).get(seq);
    }

    @Override
    public List<Example> examples(String adapter, long seq) {
        Manifest manifest = of(manifests, adapter).get(seq);
        return manifest == null ? List.of() : manifest.getExamplesList();
    }

    @Override
    public @Nullable VersionRecord version(String adapter, long number) {
        return of(versions, adapter).get(number);
    }

    @Override
    public boolean hasBlob(String digest) {
        return blobs.containsKey(digest);
    }

    @Override
    public List<VersionRecord> versionsBefore(String adapter, long before, int limit) {
        return of(versions, adapter).headMap(before, false)
                .descendingMap()
                .values()
                .stream()
                .limit(limit)
                .toList();
    }

    @Override
    public List<AuditEntry> audit(String adapter, int limit) {
        return audit.getOrDefault(adapter, List.of()).stream().limit(limit).toList();
    }

    @Override
    public List<ManifestSummary> manifestsAfter(String adapter, long afterSeq, int limit) {
        return of(entries, adapter).tailMap(afterSeq, false)
                .values()
                .stream()
                .map(ManifestEntry::summary)
                .limit(limit)
                .toList();
    }

    @Override
    public @Nullable Manifest manifest(String adapter, long seq) {
        return of(manifests, adapter).get(seq);
    }

    @Override
    public @Nullable Manifest expired(String adapter, long seq) {
        Manifest manifest = of(expired, adapter).get(seq);
        return manifest == null ? null
                : manifest.toBuilder()
                        .clearExamples()
                        .clearReplayed()
                        .clearErased()
                        .clearOrigins()
                        .build();
    }

    @Override
    public Set<Long> expiredOf(Tombstone.OfUser user, String adapter) {
        Set<Long> found = new HashSet<>();
        of(expired, adapter).forEach((seq, manifest) -> {
            boolean made = of(entries, adapter).get(seq).summary().getVersion() != 0;
            if (made && Stream
                    .concat(manifest.getExamplesList().stream(),
                            manifest.getReplayedList().stream())
                    .anyMatch(each -> Tombstone.withdrawing(each).contains(user))) {
                found.add(seq);
            }
        });
        return found;
    }

    @Override
    public byte @Nullable [] blob(String digest) {
        return blobs.get(digest);
    }
}
