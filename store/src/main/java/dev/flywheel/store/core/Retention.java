package dev.flywheel.store.core;

import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;

/**
 * Which blobs of old versions are kept. Records and manifests always are, so what is dropped can be rebuilt.
 *
 * @param versionsKept weights of this many newest versions are kept
 * @param snapshotEvery versions whose number is a multiple of this keep weights and optimizer state
 * @param orphanBlobsKept an uploaded blob may wait this long for a version that refers to it
 */
public record Retention(int versionsKept, int snapshotEvery, Duration orphanBlobsKept) {

    public static final Retention DEFAULT = new Retention(64, 256, Duration.ofHours(1));

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
                || stands(version) && (number % snapshotEvery == 0 || number == adapter.head()));
    }

    /** What was taken out of the lineage holds what it was taken out for. */
    private static boolean stands(VersionRecord version) {
        return version.getState() == VersionState.VERSION_STATE_COMMITTED;
    }
}
