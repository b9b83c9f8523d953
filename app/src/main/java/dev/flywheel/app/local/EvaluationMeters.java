package dev.flywheel.app.local;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Exports how well each adapter's versions foresaw what users did in the newest closed window, as {@code
 * flywheel.loop.evaluation.*} with the tags {@code adapter} and {@code versions}. For one thread.
 */
final class EvaluationMeters {
    /** What the job calls a figure, what it is exported as, and what it says. */
    private record Figure(String name, String meter, String description) {}

    private static final List<Figure> FIGURES = List.of(
            new Figure("version", "version", "number of the version, of all the newest"),
            new Figure("beginsAtMillis", "window.begins",
                    "event time at which the window begins, milliseconds since 1970"),
            new Figure("examples", "examples", "examples, those of silence included"),
            new Figure("items", "items", "items with a served verdict that users took or did not"),
            new Figure("logLoss", "log.loss", "mean log loss of the served verdicts, nats"),
            new Figure("predicted", "predicted", "mean probability that the verdicts gave"),
            new Figure("observed", "observed", "share of the items that was taken"),
            new Figure("calibrationError", "calibration.error",
                    "expected calibration error of the verdicts over ten bins"),
            new Figure("auc", "auc", "chance that a taken item was scored above another"),
            new Figure("reward", "reward", "mean reward of the examples"));

    private final Map<Figure, MultiGauge> gauges = new LinkedHashMap<>();
    private final AtomicLong notShown = new AtomicLong();

    EvaluationMeters(MeterRegistry meters) {
        for (Figure figure : FIGURES) {
            gauges.put(figure,
                    MultiGauge.builder("flywheel.loop.evaluation." + figure.meter())
                            .description("prequential evaluation, newest closed window of "
                                    + "loop.evaluation_window: " + figure.description())
                            .register(meters));
        }
        Gauge.builder("flywheel.loop.evaluation.windows.not.shown", notShown, AtomicLong::get)
                .description(
                        "closed windows of adapters that are not among these, since the job began")
                .register(meters);
    }

    /** Shows what the job reports now. */
    void show(EvaluationReport report) {
        notShown.set(report.windowsNotShown());
        gauges.forEach((figure, gauge) -> gauge.register(report.rows()
                .stream()
                .filter(row -> row.figures().containsKey(figure.name()))
                .map(row -> MultiGauge.Row.of(
                        Tags.of("adapter", row.adapter(), "versions", row.versions()),
                        row.figures().getOrDefault(figure.name(), Double.NaN)))
                .toList(), true));
    }
}
