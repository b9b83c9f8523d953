package dev.flywheel.serving.adapter;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.QuotaSettings;
import dev.flywheel.api.v1.VersionRecord;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What this node knows of one adapter: its record, its aliases and the versions it heard of last. Thread-safe. */
final class AdapterEntry {
    private static final int VERSIONS_KEPT = 32;

    private final Map<String, AliasPointer> aliases = new ConcurrentHashMap<>();
    private final Map<Long, VersionRecord> versions = new LinkedHashMap<>();
    private final AtomicInteger requests = new AtomicInteger();
    private volatile AdapterRecord record;

    AdapterEntry(AdapterRecord record) {
        this.record = record;
    }

    AdapterRecord record() {
        return record;
    }

    void update(AdapterRecord next) {
        record = next;
    }

    /** Counts a request in, if its quota allows one more; each that came in must {@link #leave}. */
    boolean enter() {
        QuotaSettings quota = record.getQuota();
        if (!quota.hasRequestsMax()) {
            requests.incrementAndGet();
            return true;
        }
        int max = quota.getRequestsMax();
        return requests.getAndUpdate(now -> now < max ? now + 1 : now) < max;
    }

    void leave() {
        requests.decrementAndGet();
    }

    ServedAdapter shown() {
        SortedMap<String, ServedAdapter.Target> targets = new TreeMap<>();
        aliases.forEach((alias, pointer) -> {
            VersionRecord version = recall(pointer.desired());
            targets.put(alias, new ServedAdapter.Target(pointer.desired(),
                    version == null ? "" : version.getRef().getDigest()));
        });
        return new ServedAdapter(record, targets);
    }

    @Nullable
    AliasPointer alias(String name) {
        return aliases.get(name);
    }

    Collection<AliasPointer> aliases() {
        return aliases.values();
    }

    AliasPointer point(String alias, long number) {
        AliasPointer pointer = aliases.computeIfAbsent(alias,
                name -> new AliasPointer(record.getName(), name, number));
        pointer.desire(number);
        return pointer;
    }

    void remember(VersionRecord version) {
        synchronized (versions) {
            versions.remove(version.getRef().getNumber());
            versions.put(version.getRef().getNumber(), version);
            if (versions.size() > VERSIONS_KEPT) {
                versions.remove(versions.keySet().iterator().next());
            }
        }
    }

    @Nullable
    VersionRecord recall(long number) {
        synchronized (versions) {
            return versions.get(number);
        }
    }
}
