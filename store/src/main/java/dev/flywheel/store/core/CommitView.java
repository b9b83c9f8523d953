package dev.flywheel.store.core;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the rules must know but memory must not hold: claims, tombstones, manifests, old versions.
 *
 * <p>Shows everything appended so far, so that no decision is taken on a stale claim.
 */
public interface CommitView {

    /** The claims among these ids, see {@link Claim#idsOf}; ids that nobody holds are absent. */
    Map<String, Claim> claims(Collection<String> ids);

    /** Those of the asked that exist. */
    Set<Tombstone> tombstones(Collection<Tombstone> asked);

    @Nullable
    ManifestEntry manifestEntry(String adapter, long seq);

    /** Manifests of an adapter above {@code afterSeq}, oldest first, also those that are not kept any more. */
    List<ManifestSummary> manifestsAfter(String adapter, long afterSeq, int limit);

    /** The examples that an existing manifest holds; none if it is not kept any more. */
    List<Example> examples(String adapter, long seq);

    /** The manifest as written; null also if it is not kept any more, DATA_LOSS if its bytes no longer match. */
    @Nullable
    Manifest manifest(String adapter, long seq);

    @Nullable
    VersionRecord version(String adapter, long number);

    boolean hasBlob(String digest);
}
