package dev.flywheel.trainer.lineage;

import dev.flywheel.api.v1.VersionRecord;

/**
 * What a version is known by.
 *
 * @param weights SHA-256 of its weights
 * @param optimizer SHA-256 of its optimizer state; empty of version 0
 * @param probe fingerprint of its probe; empty of version 0
 */
public record Digests(String weights, String optimizer, String probe) {
    /** Returns what the record says. */
    public static Digests of(VersionRecord version) {
        return new Digests(
                version.getRef().getDigest(),
                version.getOptimizerDigest(),
                version.getProbeFingerprint());
    }
}
