package dev.flywheel.trainer.lineage;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import org.jspecify.annotations.Nullable;

/** Where an adapter's versions and what made them can be read. What is not there, or no longer, is null. */
public interface LineageSource {
    @Nullable
    AdapterRecord adapter(String name);

    @Nullable
    VersionRecord version(String adapter, long number);

    /** Returns the manifest as it was claimed, with its examples. */
    @Nullable
    Manifest manifest(String adapter, long seq);

    /** Returns the bytes that a digest names. */
    byte @Nullable [] blob(String digest);
}
