package dev.flywheel.store.core;

import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the services read beyond the rules. Bytes are checked against their digest on every read. Thread-safe. */
public interface CommitHistory extends CommitView {

    /** Versions below {@code before}, newest first. */
    List<VersionRecord> versionsBefore(String adapter, long before, int limit);

    /** Newest first. */
    List<AuditEntry> audit(String adapter, int limit);

    /** Of a manifest that is not kept any more what it was not made of: settings, seed, backend and such. Null if it is kept. */
    @Nullable
    Manifest expired(String adapter, long seq);

    /**
     * Manifests of an adapter that are not kept any more and held something of a user, unless they made no version. Read after
     * those that are kept: they only become more, until the user is erased.
     */
    Set<Long> expiredOf(Tombstone.OfUser user, String adapter);

    /** The blob's bytes; DATA_LOSS if they no longer match. */
    byte @Nullable [] blob(String digest);
}
