package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.FeedbackKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How long it took from kills of one member to the next published version that learned from feedback acknowledged after the
 * kill.
 *
 * @param kills kills of this member
 * @param measured those after which there was such a version before the end
 */
public record Recovery(int kills, int measured, double medianSeconds, double maxSeconds) {

    /** Returns them by member, and over all kills under {@code all}. */
    static Map<String, Recovery> of(List<Hit> hits, Map<FeedbackKey, Long> acknowledged,
            Lineage lineage) {
        Map<String, List<Double>> seconds = new TreeMap<>();
        Map<String, Integer> kills = new TreeMap<>();
        for (Hit hit : hits) {
            if (hit.killed()) {
                for (String name : List.of(hit.member().label(), "all")) {
                    kills.merge(name, 1, Integer::sum);
                    double took = after(hit, acknowledged, lineage);
                    if (took >= 0) {
                        seconds.computeIfAbsent(name, each -> new ArrayList<>()).add(took);
                    }
                }
            }
        }
        Map<String, Recovery> recoveries = new TreeMap<>();
        kills.forEach((name, count) -> recoveries.put(name,
                of(count, seconds.getOrDefault(name, List.of()))));
        return recoveries;
    }

    private static Recovery of(int kills, List<Double> unsorted) {
        List<Double> sorted = new ArrayList<>(unsorted);
        Collections.sort(sorted);
        return sorted.isEmpty() ? new Recovery(kills, 0, Double.NaN, Double.NaN)
                : new Recovery(kills, sorted.size(), sorted.get(sorted.size() / 2),
                        sorted.getLast());
    }

    private static double after(Hit hit, Map<FeedbackKey, Long> acknowledged, Lineage lineage) {
        long first = acknowledged.entrySet()
                .stream()
                .filter(each -> each.getValue() > hit.atMillis())
                .mapToLong(each -> lineage.publishedMillis(each.getKey()))
                .filter(millis -> millis > hit.atMillis())
                .min()
                .orElse(0);
        return first == 0 ? -1 : (first - hit.atMillis()) / 1e3;
    }
}
