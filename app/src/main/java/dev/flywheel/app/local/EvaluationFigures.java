package dev.flywheel.app.local;

import dev.flywheel.pipelines.metric.EvaluationGauges;
import dev.flywheel.pipelines.metric.LoopMetrics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads figures of evaluation by the names that Flink gives them: what the job does not show any more is left out. */
final class EvaluationFigures {
    private static final String STAGE = "\\d+\\." + LoopMetrics.EVALUATION + "\\.";

    /** {@code <subtask>.evaluation.adapter.<adapter>.versions.<which>.<figure>}. */
    private static final Pattern FIGURE = Pattern.compile(
            STAGE + EvaluationGauges.ADAPTER + "\\.(.+)\\." + EvaluationGauges.VERSIONS
                    + "\\.(\\w+)\\.(\\w+)");

    private static final Pattern SHOWN = Pattern.compile(STAGE + EvaluationGauges.SHOWN);
    private static final Pattern NOT_SHOWN = Pattern.compile(STAGE + EvaluationGauges.NOT_SHOWN);

    private record Key(String adapter, String versions) {}

    private final Map<Key, Map<String, Double>> figures = new HashMap<>();
    private final Set<String> shown = new HashSet<>();
    private long notShown;

    static boolean ours(String id) {
        return FIGURE.matcher(id).matches() || SHOWN.matcher(id).matches()
                || NOT_SHOWN.matcher(id).matches();
    }

    void add(String id, String value) {
        Matcher figure = FIGURE.matcher(id);
        if (figure.matches()) {
            figures.computeIfAbsent(new Key(figure.group(1), figure.group(2)),
                    key -> new HashMap<>()).put(figure.group(3), Double.valueOf(value));
        } else if (SHOWN.matcher(id).matches()) {
            shown.addAll(value.lines().toList());
        } else if (NOT_SHOWN.matcher(id).matches()) {
            notShown += Long.parseLong(value);
        }
    }

    EvaluationReport report() {
        List<EvaluationReport.Row> rows = new ArrayList<>();
        figures.forEach((key, values) -> {
            if (shown.contains(key.adapter())) {
                rows.add(new EvaluationReport.Row(key.adapter(), key.versions(), values));
            }
        });
        return new EvaluationReport(rows, notShown);
    }
}
