package dev.flywheel.store.core;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Finds the blobs that a change of an adapter leaves without a reason to be kept. */
final class Releases {

    private Releases() {}

    /** Appends what is released between the two states, if anything. Looks at those versions alone that may be concerned. */
    static void add(List<Fact> facts, AdapterState before, AdapterState after, Retention retention,
            CommitView view) {
        List<BlobReference> released = new ArrayList<>();
        Map<Long, VersionRecord> ended = ended(facts);
        Set<Long> numbers = new TreeSet<>(touched(before, after, retention, view));
        numbers.addAll(ended.keySet());
        for (long number : numbers) {
            VersionRecord version = view.version(before.name(), number);
            if (version != null) {
                Set<String> gone = new HashSet<>(retention.blobsKept(before, version));
                gone.removeAll(retention.blobsKept(after, ended.getOrDefault(number, version)));
                for (String digest : new TreeSet<>(gone)) {
                    released.add(new BlobReference(digest, before.name(), number));
                }
            }
        }
        if (!released.isEmpty()) {
            facts.add(new Fact.BlobsReleased(before.name(), released));
        }
    }

    private static Map<Long, VersionRecord> ended(List<Fact> facts) {
        Map<Long, VersionRecord> ended = new TreeMap<>();
        for (Fact fact : facts) {
            if (fact instanceof Fact.HeadMoved moved) {
                moved.ended()
                        .forEach(each -> ended.put(each.version().getRef().getNumber(),
                                each.version()));
            }
        }
        return ended;
    }

    /**
     * Only of these, and of those that were ended, can it have changed: HEAD, what aliases named, what leaves the window of the newest,
     * what is expired.
     */
    private static Set<Long> touched(AdapterState before, AdapterState after, Retention retention,
            CommitView view) {
        Set<Long> numbers = new TreeSet<>();
        numbers.add(before.head());
        if (after.deleted()) {
            addKept(numbers, before, retention);
        }
        for (AliasRecord alias : before.aliases().values()) {
            numbers.add(alias.getVersion());
        }
        addExpired(numbers, before, after, view);
        for (long last = before.lastVersion(); last < after.lastVersion(); last++) {
            long leaving = last + 1 - retention.versionsKept();
            if (leaving >= 0) {
                numbers.add(leaving);
            }
        }
        return numbers;
    }

    /** With the newest that was expired before: it may have been a snapshot for the sake of what is expired now. */
    private static void addExpired(Set<Long> numbers, AdapterState before, AdapterState after,
            CommitView view) {
        if (before.manifestsFrom() == after.manifestsFrom()) {
            return;
        }
        for (ManifestSummary each : view.manifestsAfter(before.name(), before.manifestsFrom() - 2,
                ExpiryRules.AT_ONCE_MAX + 1)) {
            if (each.getSeq() < after.manifestsFrom() && each.getVersion() != 0) {
                numbers.add(each.getVersion());
            }
        }
    }

    private static void addKept(Set<Long> numbers, AdapterState adapter, Retention retention) {
        for (long number = 0; number <= adapter.lastVersion(); number += retention
                .snapshotEvery()) {
            numbers.add(number);
        }
        long newest = Math.max(0, adapter.lastVersion() - retention.versionsKept() + 1);
        for (long number = newest; number <= adapter.lastVersion(); number++) {
            numbers.add(number);
        }
    }
}
