package dev.flywheel.serving.runner;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The beginnings of prompts that requests had in common lately, and how often: what a new version of an adapter is worth reading before
 * its first request.
 *
 * <p>Remembers beginnings of so many tokens in all, and forgets those that nobody shared for longest. Thread-safe.
 */
final class HotPrefixes {
    private final int tokensMax;
    private final LinkedHashMap<Prefix, Integer> counts = new LinkedHashMap<>(16, 0.75f, true);
    private long tokens;

    /** @param tokensMax of all beginnings together */
    HotPrefixes(int tokensMax) {
        this.tokensMax = tokensMax;
    }

    /** A beginning, as one tenant has it: caches of tenants are apart. */
    record Prefix(String adapter, String tenant, List<Integer> tokens) {}

    /** Notes that a request began with what an earlier one had begun with. */
    synchronized void shared(String adapter, String tenant, int[] beginning) {
        if (adapter.isEmpty() || beginning.length > tokensMax) {
            return;
        }
        Prefix prefix = new Prefix(adapter, tenant, Arrays.stream(beginning).boxed().toList());
        if (counts.merge(prefix, 1, Integer::sum) == 1) {
            tokens += beginning.length;
            forget();
        }
    }

    private void forget() {
        for (Iterator<Prefix> oldest = counts.keySet().iterator(); tokens > tokensMax;) {
            tokens -= oldest.next().tokens().size();
            oldest.remove();
        }
    }

    /** Returns an adapter's beginnings, the most shared first. */
    synchronized List<Prefix> of(String adapter) {
        return counts.entrySet()
                .stream()
                .filter(each -> each.getKey().adapter().equals(adapter))
                .sorted(Comparator
                        .comparing((Map.Entry<Prefix, Integer> each) -> -each.getValue())
                        .thenComparing(each -> -each.getKey().tokens().size()))
                .map(Map.Entry::getKey)
                .toList();
    }
}
