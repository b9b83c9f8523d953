package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledExample;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Examples that wait for a round, oldest first, found by id. Several may have one id: the same label by different events, one
 * of which is withdrawn. Used by one thread.
 */
final class WaitingExamples {
    private final Map<String, Deque<LabelledExample>> byId = new LinkedHashMap<>();
    private int count;
    private long feedback;

    void add(LabelledExample example) {
        byId.computeIfAbsent(idOf(example), id -> new ArrayDeque<>()).add(example);
        count++;
        feedback += example.getExample().getFeedbackCount();
    }

    void remove(LabelledExample example) {
        Deque<LabelledExample> same = byId.get(idOf(example));
        if (same == null || !same.remove(example)) {
            return;
        }
        if (same.isEmpty()) {
            byId.remove(idOf(example));
        }
        count--;
        feedback -= example.getExample().getFeedbackCount();
    }

    /** Removes and returns those of one id that an event stands behind. */
    List<LabelledExample> removeAll(String id, FeedbackKey event) {
        List<LabelledExample> same = byId.getOrDefault(id, new ArrayDeque<>())
                .stream()
                .filter(each -> each.getExample().getFeedbackList().contains(event))
                .toList();
        same.forEach(this::remove);
        return same;
    }

    /** Removes and returns all. */
    List<LabelledExample> removeAll() {
        List<LabelledExample> all = all();
        all.forEach(this::remove);
        return all;
    }

    /**
     * Returns one example of each id in the order in which they are to be trained: what users said before what their silence
     * may mean, the oldest first.
     */
    List<LabelledExample> inOrder() {
        List<LabelledExample> explicit = new ArrayList<>();
        List<LabelledExample> silent = new ArrayList<>();
        for (Deque<LabelledExample> same : byId.values()) {
            LabelledExample oldest = same.getFirst();
            (oldest.getExample().getFeedbackCount() > 0 ? explicit : silent).add(oldest);
        }
        explicit.addAll(silent);
        return explicit;
    }

    /** Removes and returns, of those in order, the last until no more than {@code max} are left. */
    List<LabelledExample> removeBeyond(int max) {
        List<LabelledExample> order = inOrder();
        List<LabelledExample> removed = new ArrayList<>();
        for (int i = order.size() - 1; i >= 0 && count > max; i--) {
            remove(order.get(i));
            removed.add(order.get(i));
        }
        return removed;
    }

    List<LabelledExample> all() {
        List<LabelledExample> all = new ArrayList<>(count);
        byId.values().forEach(all::addAll);
        return all;
    }

    int count() {
        return count;
    }

    /** Feedback events behind them. */
    long feedback() {
        return feedback;
    }

    static long feedback(Collection<LabelledExample> examples) {
        return examples.stream().mapToLong(each -> each.getExample().getFeedbackCount()).sum();
    }

    private static String idOf(LabelledExample example) {
        return example.getExample().getExampleId();
    }
}
