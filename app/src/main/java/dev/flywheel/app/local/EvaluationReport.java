package dev.flywheel.app.local;

import java.util.List;
import java.util.Map;

/**
 * What the job reports of evaluation: the newest closed window of each adapter that it shows.
 *
 * @param windowsNotShown closed windows of other adapters, since the job began
 */
public record EvaluationReport(List<Row> rows, long windowsNotShown) {
    public static final EvaluationReport NOTHING = new EvaluationReport(List.of(), 0);

    /**
     * Some of an adapter's versions.
     *
     * @param versions which: {@code all} together, the {@code newest}, the {@code most_judged}
     * @param figures by name
     */
    public record Row(String adapter, String versions, Map<String, Double> figures) {}

    public EvaluationReport {
        rows = List.copyOf(rows);
    }
}
