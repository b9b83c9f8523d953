package dev.flywheel.pipelines.metric;

import dev.flywheel.api.v1.Evaluation;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/**
 * The newest closed window of each adapter, all its versions together, as metrics of a group of its own. Names of adapters come
 * from outside: only so many have one. Written by the operator's thread, read by Flink's.
 */
public final class EvaluationGauges {
    /** Group of an operator's, with a group for each adapter in it. */
    public static final String GROUP = "adapter";

    private static final int ADAPTERS_MAX = 50;

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
    private final Map<String, Evaluation> newest = new ConcurrentHashMap<>();

    public EvaluationGauges(MetricGroup operator) {
        this.operator = operator;
    }

    /** Shows a window unless a later one has been shown. */
    public void show(Evaluation window) {
        Evaluation shown = newest.get(window.getAdapter());
        if (shown == null && newest.size() < ADAPTERS_MAX) {
            newest.put(window.getAdapter(), window);
            register(window.getAdapter());
        } else if (shown != null && shown.getBeginsAtMillis() <= window.getBeginsAtMillis()) {
            newest.put(window.getAdapter(), window);
        }
    }

    private void register(String adapter) {
        MetricGroup group = operator.addGroup(GROUP, adapter);
        FIGURES.forEach((name, figure) -> group.gauge(name,
                (Gauge<Double>) () -> figure.applyAsDouble(newest.get(adapter))));
    }
}
