package dev.flywheel.store.core;

import static dev.flywheel.store.core.BrokenInvariantException.require;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the rules keep in memory: adapters with their HEAD, aliases, epoch and open manifests; immutable.
 *
 * <p>Its size follows the number of adapters, never that of examples, manifests or versions; those stand behind {@link
 * CommitView}.
 */
public final class StoreState {
    /** Before the first commit. */
    public static final StoreState EMPTY = new StoreState(0, Map.of());

    private final long commit;
    private final Map<String, AdapterState> adapters;

    private StoreState(long commit, Map<String, AdapterState> adapters) {
        this.commit = commit;
        this.adapters = adapters;
    }

    /** The state as it was saved. */
    public static StoreState restored(long commit, Collection<AdapterState> adapters) {
        Map<String, AdapterState> byName = new HashMap<>();
        for (AdapterState adapter : adapters) {
            byName.put(adapter.name(), adapter);
        }
        return new StoreState(commit, byName);
    }

    /** Number of commands that changed something so far. */
    public long commit() {
        return commit;
    }

    public int adapterCount() {
        return adapters.size();
    }

    /** Returns what there is of a name, deleted or not. */
    public @Nullable AdapterState adapter(String name) {
        return adapters.get(name);
    }

    /** Returns the adapter unless it was deleted. */
    public @Nullable AdapterState live(String name) {
        AdapterState adapter = adapters.get(name);
        return adapter == null || adapter.deleted() ? null : adapter;
    }

    /** Sorted by name. */
    public List<AdapterState> sorted() {
        List<AdapterState> sorted = new ArrayList<>(adapters.values());
        Collections.sort(sorted, (a, b) -> a.name().compareTo(b.name()));
        return sorted;
    }

    /** The state after one command's facts. */
    public StoreState after(List<Fact> facts) {
        Map<String, AdapterState> changed = new HashMap<>(adapters);
        for (Fact fact : facts) {
            apply(changed, fact);
        }
        return new StoreState(commit + 1, changed);
    }

    private static void apply(Map<String, AdapterState> adapters, Fact fact) {
        switch (fact) {
            case Fact.AdapterCreated created -> {
                AdapterState before =
                        adapters.put(created.adapter().getName(), AdapterState.created(created));
                require(before == null, "adapter " + created.adapter().getName() + " exists");
            }
            case Fact.AdapterChanged changed -> change(adapters, changed.adapter().getName(), fact);
            case Fact.EpochAcquired acquired -> change(adapters, acquired.adapter(), fact);
            case Fact.ManifestClaimed claimed ->
                change(adapters, claimed.manifest().getAdapter(), fact);
            case Fact.ManifestEnded ended -> change(adapters, ended.adapter(), fact);
            case Fact.ManifestReplaced replaced -> change(adapters, replaced.adapter(), fact);
            case Fact.VersionCommitted committed ->
                change(adapters, committed.version().getRef().getAdapter(), fact);
            case Fact.HeadMoved moved -> change(adapters, moved.adapter().getName(), fact);
            case Fact.RepairAdvanced advanced ->
                change(adapters, advanced.adapter().getName(), fact);
            case Fact.AliasMoved moved -> change(adapters, moved.alias().getAdapter(), fact);
            case Fact.WithdrawnLate late -> change(adapters, late.adapter(), fact);
            case Fact.ManifestsExpired expired -> change(adapters, expired.adapter(), fact);
            case Fact.BlobsReleased released -> change(adapters, released.adapter(), fact);
            case Fact.Erased ignored -> {
                // Stands behind the view only.
            }
            case Fact.Withdrawn ignored -> {
                // Stands behind the view only.
            }
        }
    }

    private static void change(Map<String, AdapterState> adapters, String name, Fact fact) {
        AdapterState before = adapters.get(name);
        if (before == null) {
            throw new BrokenInvariantException(
                    "a fact about " + name + ", which was never created");
        }
        adapters.put(name, before.after(fact));
    }
}
