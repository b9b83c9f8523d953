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
 * <p>For one adapter: lineage is one chain, so an answer of version n stands for every version up to n. Times are
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

    private synchronized List<Long> done() {
        return List.copyOf(done);
    }

    /** Returns what was measured so far, on all of {@code adapters} together. */
    static Measured of(LoopLatency... adapters) {
        return new Measured(Arrays.stream(adapters)
                .flatMap(adapter -> adapter.done().stream())
                .sorted()
                .toList());
    }

    /** Latencies of events, nanoseconds, shortest first. */
    record Measured(List<Long> nanos) {
        int count() {
            return nanos.size();
        }

        /** Returns the latency in seconds below which the share {@code quantile} of events lies; NaN without any. */
        double quantileSeconds(double quantile) {
            if (nanos.isEmpty()) {
                return Double.NaN;
            }
            int index = (int) Math.ceil(quantile * nanos.size()) - 1;
            return nanos.get(Math.clamp(index, 0, nanos.size() - 1)) / 1e9;
        }
    }
}
