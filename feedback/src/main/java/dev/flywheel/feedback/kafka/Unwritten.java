package dev.flywheel.feedback.kafka;

import java.util.TreeMap;

/** Impressions on their way into Kafka, by when they were served. Thread-safe. */
final class Unwritten {
    private final TreeMap<Long, Integer> countByMillis = new TreeMap<>();

    synchronized void begin(long servedAtMillis) {
        countByMillis.merge(servedAtMillis, 1, Integer::sum);
    }

    synchronized void end(long servedAtMillis) {
        countByMillis.computeIfPresent(servedAtMillis,
                (at, count) -> count == 1 ? null : count - 1);
    }

    /** Returns when the oldest was served, milliseconds since 1970; 0 if there is none. */
    synchronized long since() {
        return countByMillis.isEmpty() ? 0 : countByMillis.firstKey();
    }
}
