package dev.flywheel.store.core;

import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;

/**
 * What is kept of old versions. Records always are; blobs that are dropped can be rebuilt while the manifests since an older
 * snapshot are kept.
 *
 * @param versionsKept weights of this many newest versions are kept
 * @param snapshotEvery versions whose number is a multiple of this keep weights and optimizer state, as long as what came
 *     after them is kept, so that it can be trained again
 * @param orphanBlobsKept an uploaded blob may wait this long for a version that refers to it
 * @param manifestsKept a manifest is kept for this long at least, and until a snapshot that came after it is as old
 */
public record Retention(
        int versionsKept,
        int snapshotEvery,
        Duration orphanBlobsKept,
        Duration manifestsKept) {

    public static final Retention DEFAULT =
            new Retention(64, 256, Duration.ofHours(1), Duration.ofDays(90));

    public Retention {
        if (versionsKept < 1) {
            throw new IllegalArgumentException(
                    "versionsKept must be at least 1, was " + versionsKept);
        }
        if (snapshotEvery < 1) {
            throw new IllegalArgumentException(
                    "snapshotEvery must be at least 1, was " + snapshotEvery);
        }
        if (orphanBlobsKept.isNegative()) {
            throw new IllegalArgumentException(
                    "orphanBlobsKept must not be negative, was " + orphanBlobsKept);
        }
        if (manifestsKept.isNegative()) {
            throw new IllegalArgumentException(
                    "manifestsKept must not be negative, was " + manifestsKept);
        }
    }

    /** Digests of the blobs that a version keeps while the adapter is in this state. */
    Set<String> blobsKept(AdapterState adapter, VersionRecord version) {
        Set<String> kept = new HashSet<>();
        if (keepsWeights(adapter, version)) {
            kept.add(version.getRef().getDigest());
        }
        if (!version.getOptimizerDigest().isEmpty()
                && keepsOptimizer(adapter, version)) {
            kept.add(version.getOptimizerDigest());
        }
        return kept;
    }

    /** Of a deleted adapter none are: its records tell what there was. */
    boolean keepsWeights(AdapterState adapter, VersionRecord version) {
        return keepsOptimizer(adapter, version) || !adapter.deleted() && stands(version)
                && version.getRef().getNumber() > adapter.lastVersion() - versionsKept;
    }

    /** Also those that an alias names: what was published can be continued from, so one step back costs no replay. */
    private boolean keepsOptimizer(AdapterState adapter, VersionRecord version) {
        long number = version.getRef().getNumber();
        return !adapter.deleted() && (adapter.aliased(number)
                || stands(version) && (number == adapter.head() || snapshot(adapter, version)));
    }

    /** The newest of those that are expired is where all that is kept since is trained again from. */
    private boolean snapshot(AdapterState adapter, VersionRecord version) {
        long number = version.getRef().getNumber();
        return number == 0 || number % snapshotEvery == 0
                && version.getManifestSeq() >= adapter.manifestsFrom() - 1;
    }

    /** What was taken out of the lineage holds what it was taken out for. */
    private static boolean stands(VersionRecord version) {
        return version.getState() == VersionState.VERSION_STATE_COMMITTED;
    }
}
