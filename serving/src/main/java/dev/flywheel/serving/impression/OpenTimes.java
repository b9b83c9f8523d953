package dev.flywheel.serving.impression;

import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * When things began that have not ended, to know the oldest. Exact while they began at few different times; beyond that neighbours
 * are counted together under the earlier time, so that memory is bounded and the oldest is never said to be later than it is.
 *
 * <p>Thread-safe.
 */
final class OpenTimes {
    static final int TIMES_MAX = 4_096;

    private final TreeMap<Long, Integer> counts = new TreeMap<>();

    synchronized void begin(long at) {
        counts.merge(at, 1, Integer::sum);
        if (counts.size() > TIMES_MAX) {
            halve();
        }
    }

    private void halve() {
        TreeMap<Long, Integer> halved = new TreeMap<>();
        boolean earlier = true;
        for (Map.Entry<Long, Integer> each : counts.entrySet()) {
            halved.merge(earlier ? each.getKey() : halved.lastKey(), each.getValue(), Integer::sum);
            earlier = !earlier;
        }
        counts.clear();
        counts.putAll(halved);
    }

    /** Ends one that began then; it may have been counted under an earlier time. */
    synchronized void end(long at) {
        Map.Entry<Long, Integer> counted = counts.floorEntry(at);
        if (counted != null) {
            counts.computeIfPresent(counted.getKey(),
                    (began, count) -> count == 1 ? null : count - 1);
        }
    }

    /** When the oldest began that has not ended, or just before. */
    synchronized OptionalLong oldest() {
        return counts.isEmpty() ? OptionalLong.empty() : OptionalLong.of(counts.firstKey());
    }
}
