package dev.flywheel.app.chaos;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** An adapter's versions and manifests as the store tells them, and the promises that can be seen in them. */
final class Lineage {
    private static final int SHOWN = 10;
    private static final int LISTINGS_MAX = 1_000;
    /** Of manifests that hold their examples for themselves; one that was replaced does until another holds them again. */
    private static final Set<ManifestState> HOLDS =
            EnumSet.of(ManifestState.MANIFEST_STATE_OPEN, ManifestState.MANIFEST_STATE_COMMITTED,
                    ManifestState.MANIFEST_STATE_REJECTED,
                    ManifestState.MANIFEST_STATE_ROLLED_BACK);
    /** Of manifests whose versions HEAD no longer comes from. */
    private static final Set<ManifestState> OUT =
            EnumSet.of(ManifestState.MANIFEST_STATE_ROLLED_BACK,
                    ManifestState.MANIFEST_STATE_REPLACED);

    private final Set<String> forgotten;
    /** Feedback that HEAD came from. */
    private final Set<FeedbackKey> taught = new HashSet<>();
    private final long head;
    /** Versions that HEAD no longer comes from. */
    private final List<VersionRecord> outside = new ArrayList<>();

    private final Map<Long, VersionRecord> versions = new TreeMap<>();
    private final List<ManifestSummary> manifests = new ArrayList<>();
    private final Map<String, Long> claimedBy = new HashMap<>();
    private final List<String> violations = new ArrayList<>();
    private final Map<Long, Long> claimedMillis = new HashMap<>();
    private final Map<FeedbackKey, Long> versionOf = new HashMap<>();

    /**
     * Reads all of it, examples too.
     *
     * @param forgotten users of whom nothing may be left
     */
    Lineage(StoreClient store, String adapter, Set<String> forgotten) {
        this.forgotten = forgotten;
        this.head = list(store, adapter);
        put(store.getVersion(adapter, 0));
        for (ManifestSummary summary : manifests) {
            Manifest manifest = store.getManifest(adapter, summary.getSeq());
            claimedMillis.put(summary.getSeq(), manifest.getClaimedAtMillis());
            forgotten(summary, manifest);
            if (HOLDS.contains(summary.getState())) {
                claims(manifest);
            }
            if (OUT.contains(summary.getState())) {
                outside.add(store.getVersion(adapter, summary.getVersion()));
            }
            if (summary.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
                manifest.getExamplesList()
                        .forEach(example -> taught.addAll(example.getFeedbackList()));
                put(store.getVersion(adapter, summary.getVersion()));
                summary.getFeedbackList()
                        .forEach(key -> versionOf.put(key, summary.getVersion()));
            }
        }
        chain();
        if (open() == 0) {
            ancestors();
        }
    }

    /** Lists all manifests and returns the HEAD that they belong to: silence goes on to be trained on meanwhile. */
    private long list(StoreClient store, String adapter) {
        for (int i = 0; i < LISTINGS_MAX; i++) {
            long before = store.getAdapter(adapter).getHead();
            manifests.clear();
            store.listManifests(adapter, 0, manifests::add);
            if (store.getAdapter(adapter).getHead() == before) {
                return before;
            }
        }
        throw new IllegalStateException(
                "HEAD moved during each of %d listings of its manifests".formatted(LISTINGS_MAX));
    }

    private void put(VersionRecord version) {
        versions.put(version.getRef().getNumber(), version);
    }

    /** Who was forgotten can be read in no manifest, and HEAD came from none that had them. */
    private void forgotten(ManifestSummary summary, Manifest manifest) {
        List<Example> all = new ArrayList<>(manifest.getExamplesList());
        all.addAll(manifest.getReplayedList());
        for (Example example : all) {
            if (forgotten.contains(example.getUser())) {
                violations.add("forget: manifest %d can be read of %s, who was forgotten".formatted(
                        summary.getSeq(), example.getUser()));
            }
        }
        if (summary.getState() == ManifestState.MANIFEST_STATE_COMMITTED
                && manifest.getErasedCount() > 0) {
            violations.add("forget: HEAD came from manifest %d, which had users who were forgotten"
                    .formatted(summary.getSeq()));
        }
    }

    /** I1: an example id is in at most one manifest that is open or has ended but was not abandoned. */
    private void claims(Manifest manifest) {
        for (Example example : manifest.getExamplesList()) {
            Long other = claimedBy.putIfAbsent(example.getExampleId(), manifest.getSeq());
            if (other != null) {
                violations.add("I1: example %s is in manifests %d and %d".formatted(
                        example.getExampleId(), other, manifest.getSeq()));
            }
        }
    }

    /** I2: from HEAD every parent leads back to version 0, and nothing else stands. */
    private void ancestors() {
        Set<Long> others = new HashSet<>(versions.keySet());
        long number = head;
        VersionRecord version = versions.get(number);
        while (version != null && others.remove(number) && number != 0) {
            number = version.getParent();
            version = versions.get(number);
        }
        if (number != 0 || !others.isEmpty()) {
            violations.add("I2: HEAD %d leads back to version %d, and %d versions stand beside that"
                    .formatted(head, number, others.size()));
        }
    }

    /** Returns what was taken back and HEAD still comes from. */
    Set<FeedbackKey> remembered(Set<FeedbackKey> takenBack) {
        Set<FeedbackKey> both = new HashSet<>(takenBack);
        both.retainAll(taught);
        return both;
    }

    /** I2: one parent chain, each version from the manifest that names its parent. */
    private void chain() {
        Map<Long, Long> children = new HashMap<>();
        for (VersionRecord version : versions.values()) {
            if (version.getRef().getNumber() == 0) {
                continue;
            }
            Long other = children.put(version.getParent(), version.getRef().getNumber());
            if (other != null) {
                violations.add("I2: versions %d and %d both come from %d".formatted(other,
                        version.getRef().getNumber(), version.getParent()));
            }
        }
        for (ManifestSummary manifest : manifests) {
            VersionRecord made = versions.get(manifest.getVersion());
            if (manifest.getState() == ManifestState.MANIFEST_STATE_COMMITTED
                    && (made == null || made.getManifestSeq() != manifest.getSeq()
                            || made.getParent() != manifest.getParent())) {
                violations.add("I2: manifest %d says it made version %d from %d, the store has %s"
                        .formatted(manifest.getSeq(), manifest.getVersion(), manifest.getParent(),
                                made == null ? "no such version"
                                        : "it from %d by manifest %d".formatted(made.getParent(),
                                                made.getManifestSeq())));
            }
        }
    }

    /** I4: what clients were answered by is in the store, as it was. */
    void seen(Map<Long, String> digests) {
        Map<Long, VersionRecord> known = new HashMap<>(versions);
        outside.forEach(version -> known.put(version.getRef().getNumber(), version));
        digests.forEach((number, digest) -> {
            VersionRecord version = known.get(number);
            if (version == null || !version.getRef().getDigest().equals(digest)) {
                violations.add(
                        "I4: version %d answered with digest %s, the store has %s".formatted(number,
                                digest, version == null ? "no such version"
                                        : version.getRef().getDigest()));
            }
        });
    }

    /** Returns what is wrong, the first of it. */
    List<String> violations() {
        return List.copyOf(violations.subList(0, Math.min(SHOWN, violations.size())));
    }

    /** Returns how many manifests have no outcome. */
    long open() {
        return manifests.stream()
                .filter(each -> each.getState() == ManifestState.MANIFEST_STATE_OPEN)
                .count();
    }

    int versions() {
        return versions.size();
    }

    /** Returns when the version that learned from an event was published, milliseconds since 1970; 0 if none did. */
    long publishedMillis(FeedbackKey key) {
        Long number = versionOf.get(key);
        VersionRecord version = number == null ? null : versions.get(number);
        return version == null ? 0 : version.getCreatedAtMillis();
    }

    /** Returns when the first version was published after a moment; 0 if none was. */
    long publishedMillis(long afterMillis) {
        return first(version -> version.getCreatedAtMillis() > afterMillis);
    }

    /** Returns when the first version was published whose round was claimed after a moment; 0 if none was. */
    long nextPublishedMillis(long afterMillis) {
        // Both: a clock that jumped may have put the claim behind its version.
        return first(version -> version.getCreatedAtMillis() > afterMillis && claimedMillis
                .getOrDefault(version.getManifestSeq(), 0L) > afterMillis);
    }

    private long first(Predicate<VersionRecord> which) {
        return Stream.concat(versions.values().stream(), outside.stream())
                .filter(which)
                .mapToLong(VersionRecord::getCreatedAtMillis)
                .min()
                .orElse(0);
    }
}
