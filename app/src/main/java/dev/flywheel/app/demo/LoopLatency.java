package dev.flywheel.app.demo;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Measures the loop as a client sees it: from the acknowledgement of a feedback event to the first
 * answer served by a version whose lineage contains it.
 *
 * <p>Lineage is one chain, so an answer of version n stands for every version up to n. Times are
 * nanoseconds of one monotonic clock. Thread-safe.
 */
final class LoopLatency {
    private final Map<String, Long> acknowledged = new HashMap<>();
    private final TreeMap<Long, Long> firstAnswer = new TreeMap<>();
    private final List<Long> done = new ArrayList<>();
    private final Map<String, Long> learnedIn = new HashMap<>();

    synchronized void acknowledged(String feedbackId, long nanos) {
        acknowledged.put(feedbackId, nanos);
        settle(feedbackId);
    }

    synchronized void answered(long version, long nanos) {
        if (firstAnswer.putIfAbsent(version, nanos) == null) {
            List.copyOf(learnedIn.keySet()).forEach(this::settle);
        }
    }

    /** Says that {@code feedbackId} stands in the manifest that made {@code version}. */
    synchronized void learned(String feedbackId, long version) {
        learnedIn.put(feedbackId, version);
        settle(feedbackId);
    }

    private void settle(String feedbackId) {
        Long from = acknowledged.get(feedbackId);
        Long version = learnedIn.get(feedbackId);
        if (from == null || version == null) {
            return;
        }
        long to = Long.MAX_VALUE;
        for (long at : firstAnswer.tailMap(version, true).values()) {
            to = Math.min(to, at);
        }
        if (to != Long.MAX_VALUE) {
            done.add(Math.max(0, to - from));
            acknowledged.remove(feedbackId);
            learnedIn.remove(feedbackId);
        }
    }

    synchronized int count() {
        return done.size();
    }

    /** Returns the latency in seconds below which the share {@code quantile} of events lies; NaN without any. */
    synchronized double quantileSeconds(double quantile) {
        if (done.isEmpty()) {
            return Double.NaN;
        }
        long[] sorted = done.stream().mapToLong(Long::longValue).toArray();
        Arrays.sort(sorted);
        int index = (int) Math.ceil(quantile * sorted.length) - 1;
        return sorted[Math.max(0, Math.min(sorted.length - 1, index))] / 1e9;
    }
}
