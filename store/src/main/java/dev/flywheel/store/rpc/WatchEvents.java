package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.Synced;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.WatchReply;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.StoreState;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * States and facts as events of a watch on one adapter, or on all if the name is empty.
 *
 * <p>A version always comes before an alias that names it. The state of an adapter is its record, HEAD and the versions that
 * aliases name, then the aliases; of a deleted one its record alone. Older versions are read with ListVersions.
 */
record WatchEvents(String adapter) {

    /** Made while it is read, so that a store of many adapters is never in memory twice. */
    Iterator<WatchReply> snapshot(StoreState state, CommitHistory history) {
        List<AdapterState> adapters =
                state.sorted().stream().filter(one -> concerns(one.name())).toList();
        Stream<WatchReply> all = adapters.stream()
                .flatMap(one -> standing(state.commit(), one, history).stream());
        return Stream.concat(all, Stream.of(WatchReply.newBuilder()
                .setCommit(state.commit())
                .setSynced(Synced.getDefaultInstance())
                .build())).iterator();
    }

    private static List<WatchReply> standing(long commit, AdapterState adapter,
            CommitHistory history) {
        List<WatchReply> replies = new ArrayList<>();
        replies.add(of(commit, adapter.record()));
        if (adapter.deleted()) {
            return replies;
        }
        Set<Long> numbers = new TreeSet<>();
        numbers.add(adapter.head());
        adapter.aliases().values().forEach(alias -> numbers.add(alias.getVersion()));
        for (long number : numbers) {
            VersionRecord version = number == adapter.head() ? adapter.headVersion()
                    : history.version(adapter.name(), number);
            if (version != null) {
                replies.add(of(commit, version));
            }
        }
        for (AliasRecord alias : adapter.aliases().values()) {
            replies.add(of(commit, alias));
        }
        return replies;
    }

    List<WatchReply> of(long commit, List<Fact> facts) {
        List<WatchReply> replies = new ArrayList<>();
        for (Fact fact : facts) {
            switch (fact) {
                case Fact.AdapterCreated created when concerns(created.adapter().getName()) -> {
                    replies.add(of(commit, created.adapter()));
                    replies.add(of(commit, created.start()));
                }
                case Fact.AdapterChanged changed when concerns(changed.adapter().getName()) ->
                    replies.add(of(commit, changed.adapter()));
                case Fact.HeadMoved moved when concerns(moved.adapter().getName()) ->
                    replies.add(of(commit, moved.adapter()));
                case Fact.RepairAdvanced advanced when concerns(advanced.adapter().getName()) ->
                    replies.add(of(commit, advanced.adapter()));
                case Fact.VersionCommitted committed when concerns(
                        committed.version().getRef().getAdapter()) ->
                    replies.add(of(commit, committed.version()));
                case Fact.AliasMoved moved when concerns(moved.alias().getAdapter()) ->
                    replies.add(of(commit, moved.alias()));
                default -> {
                    // Another adapter's, or nothing that a watcher is told of.
                }
            }
        }
        return replies;
    }

    private boolean concerns(String name) {
        return adapter.isEmpty() || adapter.equals(name);
    }

    private static WatchReply of(long commit, AdapterRecord adapter) {
        return WatchReply.newBuilder().setCommit(commit).setAdapter(adapter).build();
    }

    private static WatchReply of(long commit, VersionRecord version) {
        return WatchReply.newBuilder().setCommit(commit).setVersion(version).build();
    }

    private static WatchReply of(long commit, AliasRecord alias) {
        return WatchReply.newBuilder().setCommit(commit).setAlias(alias).build();
    }
}
