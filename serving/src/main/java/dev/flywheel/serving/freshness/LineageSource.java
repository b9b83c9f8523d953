package dev.flywheel.serving.freshness;

import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.VersionRecord;
import java.util.Optional;

/** Where a version's past is asked for. Calls block; empty means that it is not kept, or is not told now. */
public interface LineageSource {
    /** Returns what the store says of a version. */
    Optional<VersionRecord> version(String adapter, long number);

    /** Returns what a version was made of. */
    Optional<ManifestRecord> manifest(String adapter, long seq);
}
