package dev.flywheel.pipelines.metric;

import dev.flywheel.api.v1.Evaluation;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;

/**
 * The newest closed window of each adapter as metrics: all its versions together, the newest of them, the one with the most items.
 * Names of adapters come from outside: {@value #ADAPTERS_MAX} have a place. One of which no window has closed for a while
 * makes way for another; windows of adapters without a place are counted. Written by the operator's thread, read by Flink's.
 */
public final class EvaluationGauges {
    /** Key of an operator's groups; the value is an adapter. */
    public static final String ADAPTER = "adapter";

    /** Key of the groups in these; the value is one of {@link #ALL}, {@link #NEWEST} and {@link #MOST_JUDGED}. */
    public static final String VERSIONS = "versions";

    public static final String ALL = "all";
    public static final String NEWEST = "newest";
    public static final String MOST_JUDGED = "most_judged";

    /** Names of the adapters that have a place, a line each: Flink's REST interface goes on telling the figures of others. */
    public static final String SHOWN = "shownAdapters";

    /** Windows that closed and had no place. */
    public static final String NOT_SHOWN = "windowsNotShown";

    static final int ADAPTERS_MAX = 50;

    /** A place is kept for so long, event time, and for two windows at least. */
    private static final long KEPT_MILLIS = 600_000;

    private static final Map<String, ToDoubleFunction<Evaluation>> FIGURES = Map.of(
            "version", Evaluation::getVersion,
            "examples", Evaluation::getExamples,
            "items", Evaluation::getItems,
            "logLoss", Evaluation::getLogLoss,
            "predicted", Evaluation::getPredicted,
            "observed", Evaluation::getObserved,
            "calibrationError", Evaluation::getCalibrationError,
            "auc", Evaluation::getAuc,
            "reward", Evaluation::getReward,
            "beginsAtMillis", Evaluation::getBeginsAtMillis);

    private final MetricGroup operator;
    private final Counter notShown;
    private final Map<String, Place> places = new ConcurrentHashMap<>();

    public EvaluationGauges(MetricGroup operator) {
        this.operator = operator;
        notShown = operator.counter(NOT_SHOWN);
        operator.gauge(SHOWN, (Gauge<String>) () -> String.join("\n", places.keySet()));
    }

    /** One adapter's figures. */
    private static final class Place {
        private final MetricGroup group;
        private volatile Map<String, Evaluation> window;

        Place(MetricGroup group, Map<String, Evaluation> window) {
            this.group = group;
            this.window = window;
            window.keySet()
                    .forEach(versions -> register(versions, group.addGroup(VERSIONS, versions)));
        }

        private void register(String versions, MetricGroup figures) {
            FIGURES.forEach((name, figure) -> figures.gauge(name,
                    (Gauge<Double>) () -> figure.applyAsDouble(of(versions))));
        }

        private Evaluation of(String versions) {
            return window.getOrDefault(versions, Evaluation.getDefaultInstance());
        }

        long beginsAt() {
            return of(ALL).getBeginsAtMillis();
        }

        void close() {
            if (group instanceof AbstractMetricGroup<?> open) {
                open.close(); // else there is nothing to take back: it registers nowhere
            }
        }
    }

    /**
     * Shows a window unless a later one of its adapter has been shown.
     *
     * @param together figures of all versions
     * @param newest those of the newest one
     * @param mostJudged those of the one with the most items
     */
    public void show(Evaluation together, Evaluation newest, Evaluation mostJudged) {
        Map<String, Evaluation> window =
                Map.of(ALL, together, NEWEST, newest, MOST_JUDGED, mostJudged);
        String adapter = together.getAdapter();
        Place known = places.get(adapter);
        if (known != null) {
            if (known.beginsAt() <= together.getBeginsAtMillis()) {
                known.window = window;
            }
        } else if (places.size() < ADAPTERS_MAX || makeWay(together)) {
            places.put(adapter, new Place(operator.addGroup(ADAPTER, adapter), window));
        } else {
            notShown.inc();
        }
    }

    private boolean makeWay(Evaluation other) {
        long kept = Math.max(KEPT_MILLIS, 2 * other.getLengthMillis());
        Optional<String> oldest = places.entrySet()
                .stream()
                .filter(each -> each.getValue().beginsAt() + kept < other.getBeginsAtMillis())
                .min(Comparator.comparingLong(each -> each.getValue().beginsAt()))
                .map(Map.Entry::getKey);
        oldest.ifPresent(this::forget);
        return oldest.isPresent();
    }

    /** An adapter is not shown any more, if it was. */
    public void forget(String adapter) {
        Place gone = places.remove(adapter);
        if (gone != null) {
            gone.close();
        }
    }
}
