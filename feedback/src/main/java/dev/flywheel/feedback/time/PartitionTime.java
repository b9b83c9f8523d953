package dev.flywheel.feedback.time;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/**
 * How far event time has got in one partition of an event topic.
 *
 * <p>Every node that answers beats in every partition. Time is that of the node that is furthest behind, so that none of its
 * answers is overtaken; what others write, such as a producer of feedback, does not push it on. Where nothing beats any more
 * because the broker stalls, or all nodes do, nothing moves time: silence that nobody could break is not counted.
 *
 * <p>A node that falls behind the newest heartbeat by more than its lease is taken for dead, and time goes on without it; its
 * next heartbeat brings it back, and does not move time back. One that stops in order says so, and is not waited for. When all
 * have, time stands at the last word of the last: partitions that producers still write to would leave the others behind. Only
 * where no node has ever beaten time follows the newest event.
 *
 * <p>Used by one thread.
 */
public final class PartitionTime {
    /** Before there is any time. */
    public static final long NONE = Long.MIN_VALUE;

    private final long outOfOrderMillis;
    private final long leaseMillis;
    private final int nodesMax;
    /** By node that beats: the newest time that it has told. */
    private final Map<String, Long> nodes = new HashMap<>();
    private long newestBeat = NONE;
    private long newestEvent = NONE;
    private long reached = NONE;

    /**
     * Makes one that knows of no time.
     *
     * @param outOfOrderness how far records may be out of order
     * @param nodeLease how far a node may be behind the newest heartbeat before time goes on without it
     * @param nodesMax nodes that are told apart; of more, those furthest behind are forgotten
     */
    public PartitionTime(Duration outOfOrderness, Duration nodeLease, int nodesMax) {
        this.outOfOrderMillis = outOfOrderness.toMillis();
        this.leaseMillis = nodeLease.toMillis();
        this.nodesMax = nodesMax;
    }

    /**
     * Takes a heartbeat.
     *
     * @param last whether the node says that it is its last
     */
    public void beat(String node, long atMillis, boolean last) {
        event(atMillis);
        newestBeat = Math.max(newestBeat, atMillis);
        if (last) {
            nodes.remove(node);
            return;
        }
        nodes.merge(node, atMillis, Math::max);
        if (nodes.size() > nodesMax) {
            nodes.entrySet()
                    .stream()
                    .min(Map.Entry.<String, Long>comparingByValue()
                            .thenComparing(Map.Entry.comparingByKey(Comparator.naturalOrder())))
                    .map(Map.Entry::getKey)
                    .ifPresent(nodes::remove);
        }
    }

    /** Takes an answer: its node has got as far. */
    public void answer(String node, long servedAtMillis) {
        event(servedAtMillis);
        nodes.computeIfPresent(node, (name, newest) -> Math.max(newest, servedAtMillis));
    }

    /** Takes any other event. */
    public void event(long atMillis) {
        newestEvent = Math.max(newestEvent, atMillis);
    }

    /** Returns what event time has reached: whatever is still to come should be later. It never goes back. */
    public long reached() {
        nodes.values().removeIf(newest -> newest < newestBeat - leaseMillis);
        long newest = newestBeat == NONE ? newestEvent : newestBeat;
        long slowest = nodes.values().stream().mapToLong(Long::longValue).min().orElse(newest);
        if (slowest != NONE) {
            reached = Math.max(reached, slowest - outOfOrderMillis - 1);
        }
        return reached;
    }
}
