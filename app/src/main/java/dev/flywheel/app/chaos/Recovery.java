package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.FeedbackKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;

/**
 * How long it took from kills of one member to the next published version.
 *
 * @param kills kills of this member
 * @param measured those after which there was such a version before the end
 * @param publishedMedianSeconds to the first version that was published after the kill, be its round claimed before or after it
 * @param medianSeconds to the first version of a round that was claimed after the kill
 * @param maxSeconds the longest of these times
 * @param learnedMedianSeconds to the first version with feedback that was acknowledged after the kill, behind all that waited
 */
public record Recovery(
        int kills,
        int measured,
        double publishedMedianSeconds,
        double medianSeconds,
        double maxSeconds,
        double learnedMedianSeconds) {
    private static final String ALL = "all";

    /** Returns them by member, and over all kills under {@code all}. */
    static Map<String, Recovery> of(List<Hit> hits, Map<FeedbackKey, Long> acknowledged,
            Lineage lineage) {
        Map<String, List<Hit>> kills = new TreeMap<>();
        for (Hit hit : hits) {
            if (hit.killed()) {
                kills.computeIfAbsent(hit.member().label(), each -> new ArrayList<>()).add(hit);
                kills.computeIfAbsent(ALL, each -> new ArrayList<>()).add(hit);
            }
        }
        Map<String, Recovery> recoveries = new TreeMap<>();
        kills.forEach((name, of) -> {
            List<Double> next = seconds(of, hit -> lineage.nextPublishedMillis(hit.atMillis()));
            recoveries.put(name, new Recovery(of.size(), next.size(),
                    median(seconds(of, hit -> lineage.publishedMillis(hit.atMillis()))),
                    median(next),
                    next.isEmpty() ? Double.NaN : next.getLast(),
                    median(seconds(of, hit -> learnedMillis(hit, acknowledged, lineage)))));
        });
        return recoveries;
    }

    /** Sorted; without those after which there was none. */
    private static List<Double> seconds(List<Hit> hits, ToLongFunction<Hit> publishedMillis) {
        List<Double> seconds = new ArrayList<>();
        for (Hit hit : hits) {
            long published = publishedMillis.applyAsLong(hit);
            if (published != 0) {
                seconds.add((published - hit.atMillis()) / 1e3);
            }
        }
        Collections.sort(seconds);
        return seconds;
    }

    private static double median(List<Double> sorted) {
        return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
    }

    private static long learnedMillis(Hit hit, Map<FeedbackKey, Long> acknowledged,
            Lineage lineage) {
        return acknowledged.entrySet()
                .stream()
                .filter(each -> each.getValue() > hit.atMillis())
                .mapToLong(each -> lineage.publishedMillis(each.getKey()))
                .filter(millis -> millis > hit.atMillis())
                .min()
                .orElse(0);
    }
}
