package dev.flywheel.store.core;

import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets go of manifests that are older than {@link Retention#manifestsKept}, the oldest first.
 *
 * <p>Only up to a snapshot that is as old: whatever came after it can be trained again from there, so that it can still be taken
 * out, gone back to, and forgotten, at the price of the rounds since. What is older is forgotten by beginning anew from version
 * 0, see {@link RepairRules}. What a repair has yet to train stays, and so does all that is younger.
 */
final class ExpiryRules {
    /** Manifests that one command lets go of: others wait for it. */
    static final int AT_ONCE_MAX = 256;

    private final Retention retention;

    ExpiryRules(Retention retention) {
        this.retention = retention;
    }

    Decision<Boolean> expire(StoreState state, Command.Expire command, CommitView view) {
        AdapterState adapter = state.adapter(command.adapter());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(command.adapter()));
        }
        long before = command.atMillis() - retention.manifestsKept().toMillis();
        long last = lastOfRun(adapter, old(adapter, before, view), view);
        if (last < adapter.manifestsFrom()) {
            return new Decision.Accepted<>(List.of(), false);
        }
        Fact.ManifestsExpired expired =
                new Fact.ManifestsExpired(adapter.name(), adapter.manifestsFrom(), last);
        List<Fact> facts = new ArrayList<>(List.of(expired));
        Releases.add(facts, adapter, adapter.after(expired), retention, view);
        return new Decision.Accepted<>(facts, true);
    }

    /** The newest manifest that need not be kept, were it for its age alone. Of a deleted adapter nothing is trained again. */
    private long old(AdapterState adapter, long beforeMillis, CommitView view) {
        if (adapter.deleted()) {
            return adapter.record().getDeletedAtMillis() < beforeMillis ? adapter.nextSeq() - 1 : 0;
        }
        long limit = 0;
        long needed = needed(adapter, view);
        for (long number = newestOld(adapter, beforeMillis, view); number > 0; number -= retention
                .snapshotEvery()) {
            VersionRecord version = RepairStart.known(adapter.name(), number, view);
            if (adapter.expired(version)
                    || limit != 0 && limit < adapter.manifestsFrom() + AT_ONCE_MAX) {
                break;
            }
            if (adapter.lineage().holds(number) && version.getManifestSeq() < needed
                    && version.getCreatedAtMillis() < beforeMillis
                    && RepairStart.trainable(version, view)) {
                limit = version.getManifestSeq();
            }
        }
        return limit;
    }

    /** The oldest manifest that something is still to be done with; what comes before it is let go up to a snapshot alone. */
    private static long needed(AdapterState adapter, CommitView view) {
        long needed = Long.MAX_VALUE;
        if (!adapter.open().isEmpty()) {
            needed = adapter.open().firstKey();
        }
        if (!adapter.withdrawn().isEmpty()) {
            needed = Math.min(needed, adapter.withdrawn().firstKey());
        }
        if (!adapter.repairLeft().isEmpty()) {
            needed = Math.min(needed, RepairStart
                    .known(adapter.name(), adapter.repairLeft().first(), view)
                    .getManifestSeq());
        }
        return needed;
    }

    /** The highest multiple of {@link Retention#snapshotEvery} among the versions made before then. */
    private long newestOld(AdapterState adapter, long beforeMillis, CommitView view) {
        long every = retention.snapshotEvery();
        long low = 0;
        long high = adapter.lastVersion() / every;
        while (low < high) {
            long middle = (low + high + 1) >>> 1;
            VersionRecord version = RepairStart.known(adapter.name(), middle * every, view);
            if (version.getCreatedAtMillis() < beforeMillis) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low * every;
    }

    /** The last of the oldest manifests up to there that nothing stands in the way of. */
    private static long lastOfRun(AdapterState adapter, long limit, CommitView view) {
        long last = adapter.manifestsFrom() - 1;
        if (last >= limit) {
            return last;
        }
        for (ManifestSummary each : view.manifestsAfter(adapter.name(), last, AT_ONCE_MAX)) {
            if (each.getSeq() > limit || needed(adapter, each)) {
                return last;
            }
            last = each.getSeq();
        }
        return last;
    }

    private static boolean needed(AdapterState adapter, ManifestSummary manifest) {
        return adapter.open().containsKey(manifest.getSeq())
                || adapter.withdrawn().containsKey(manifest.getSeq())
                || adapter.repairLeft().holds(manifest.getVersion());
    }

    /** How many of so many newest ancestors, HEAD among them, still have their manifests: along the lineage they only get younger. */
    static long kept(AdapterState adapter, long depth, CommitView view) {
        long low = adapter.manifestsFrom() == 1 ? depth : 0;
        long high = depth;
        while (low < high) {
            long middle = (low + high + 1) >>> 1;
            long number = adapter.lineage().beforeLast(middle - 1);
            if (adapter.expired(RepairStart.known(adapter.name(), number, view))) {
                high = middle - 1;
            } else {
                low = middle;
            }
        }
        return low;
    }

    /** The newest of HEAD's ancestors that cannot be trained again; 0: all can. */
    static long newestExpired(AdapterState adapter, CommitView view) {
        return adapter.lineage()
                .beforeLast(kept(adapter, adapter.lineage().count() - 1, view));
    }
}
