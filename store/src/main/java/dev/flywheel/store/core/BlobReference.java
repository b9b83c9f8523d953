package dev.flywheel.store.core;

import dev.flywheel.api.v1.VersionRecord;
import java.util.List;

/** A version's interest in a blob. A blob is kept while it has at least one; ending one twice ends it once. */
public record BlobReference(String digest, String adapter, long version) {

    /** What a new version refers to: its weights and, if it has one, its optimizer state. */
    public static List<BlobReference> of(VersionRecord version) {
        BlobReference weights = new BlobReference(version.getRef().getDigest(),
                version.getRef().getAdapter(), version.getRef().getNumber());
        if (version.getOptimizerDigest().isEmpty()) {
            return List.of(weights);
        }
        return List.of(weights, new BlobReference(version.getOptimizerDigest(),
                version.getRef().getAdapter(), version.getRef().getNumber()));
    }
}
