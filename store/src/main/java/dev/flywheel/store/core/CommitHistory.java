package dev.flywheel.store.core;

import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the services read beyond the rules. Bytes are checked against their digest on every read. Thread-safe. */
public interface CommitHistory extends CommitView {

    /** Versions below {@code before}, newest first. */
    List<VersionRecord> versionsBefore(String adapter, long before, int limit);

    /** Newest first. */
    List<AuditEntry> audit(String adapter, int limit);

    /** Manifests of an adapter above {@code afterSeq}, oldest first. */
    List<ManifestSummary> manifestsAfter(String adapter, long afterSeq, int limit);

    /** The blob's bytes; DATA_LOSS if they no longer match. */
    byte @Nullable [] blob(String digest);
}
