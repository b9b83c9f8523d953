package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.CommitHistory;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Manifests of some adapters, read a page at a time, up to the newest that existed when it began. */
final class ManifestPages implements Supplier<@Nullable ManifestSummary> {
    private static final int PAGE = 64;

    private final CommitHistory history;
    private final Iterator<AdapterState> adapters;
    private final long afterSeq;
    private final Queue<ManifestSummary> page = new ArrayDeque<>();
    private @Nullable AdapterState adapter;
    private long lastSeq;

    ManifestPages(CommitHistory history, List<AdapterState> adapters, long afterSeq) {
        this.history = history;
        this.adapters = adapters.iterator();
        this.afterSeq = afterSeq;
    }

    @Override
    public @Nullable ManifestSummary get() {
        while (page.isEmpty()) {
            AdapterState current = adapter;
            if (current == null) {
                if (!adapters.hasNext()) {
                    return null;
                }
                current = adapters.next();
                adapter = current;
                lastSeq = afterSeq;
            }
            fill(current);
        }
        return page.poll();
    }

    private void fill(AdapterState current) {
        List<ManifestSummary> next = history.manifestsAfter(current.name(), lastSeq, PAGE);
        for (ManifestSummary summary : next) {
            // Later ones may not be durable yet.
            if (summary.getSeq() < current.nextSeq()) {
                page.add(summary);
            }
            lastSeq = summary.getSeq();
        }
        if (next.size() < PAGE || lastSeq >= current.nextSeq() - 1) {
            adapter = null;
        }
    }
}
