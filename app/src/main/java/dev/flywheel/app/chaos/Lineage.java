package dev.flywheel.app.chaos;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** An adapter's versions and manifests as the store tells them, and the promises that can be seen in them. */
final class Lineage {
    private static final int SHOWN = 10;

    private final Map<Long, VersionRecord> versions = new TreeMap<>();
    private final List<ManifestSummary> manifests = new ArrayList<>();
    private final Map<String, Long> claimedBy = new HashMap<>();
    private final List<String> violations = new ArrayList<>();
    private final Map<Long, Long> claimedMillis = new HashMap<>();
    private final Map<FeedbackKey, Long> versionOf = new HashMap<>();

    /** Reads all of it; examples too, for each manifest that still counts. */
    Lineage(StoreClient store, String adapter) {
        store.listManifests(adapter, 0, manifests::add);
        put(store.getVersion(adapter, 0));
        for (ManifestSummary summary : manifests) {
            if (summary.getState() != ManifestState.MANIFEST_STATE_ABANDONED) {
                Manifest manifest = store.getManifest(adapter, summary.getSeq());
                claims(manifest);
                claimedMillis.put(summary.getSeq(), manifest.getClaimedAtMillis());
            }
            if (summary.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
                put(store.getVersion(adapter, summary.getVersion()));
                summary.getFeedbackList()
                        .forEach(key -> versionOf.put(key, summary.getVersion()));
            }
        }
        chain();
    }

    private void put(VersionRecord version) {
        versions.put(version.getRef().getNumber(), version);
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
        digests.forEach((number, digest) -> {
            VersionRecord version = versions.get(number);
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

    /** Returns when the first version was published whose round was claimed after a moment; 0 if none was. */
    long nextPublishedMillis(long afterMillis) {
        return versions.values()
                .stream()
                .filter(version -> claimedMillis.getOrDefault(version.getManifestSeq(),
                        0L) > afterMillis)
                .mapToLong(VersionRecord::getCreatedAtMillis)
                .min()
                .orElse(0);
    }
}
