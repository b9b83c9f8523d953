package dev.flywheel.app.demo;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The control arm that knows no context: it orders items by their running click rates.
 *
 * <p>An item starts with a prior of one click in {@link #PRIOR_SHOWN} views, high enough that every item gets tried.
 * Thread-safe.
 */
final class Popularity {
    private static final double PRIOR_SHOWN = 2;
    private static final double PRIOR_CLICKED = 1;

    private final Map<String, double[]> counts = new HashMap<>();

    /** Returns the indices of {@code items} by falling click rate, ties in the order given. */
    synchronized List<Integer> rank(List<String> items) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            order.add(i);
        }
        order.sort(Comparator.comparingDouble(i -> -rate(items.get(i))));
        return order;
    }

    synchronized void learn(String item, boolean clicked) {
        double[] count = counts.computeIfAbsent(item, key -> new double[2]);
        count[0] += 1;
        count[1] += clicked ? 1 : 0;
    }

    private double rate(String item) {
        double[] count = counts.getOrDefault(item, new double[2]);
        return (count[1] + PRIOR_CLICKED) / (count[0] + PRIOR_SHOWN);
    }
}
