package dev.flywheel.app.evaluation;

import dev.flywheel.api.v1.Evaluation;
import java.time.Instant;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** One version in one window, as a person or a program reads it. Names and meanings are those of {@code Evaluation}. */
public record EvaluationLine(
        String adapter,
        long version,
        String window,
        long lengthMillis,
        long examples,
        long items,
        double logLoss,
        double predicted,
        double observed,
        double calibrationError,
        double auc,
        double reward,
        Map<String, Long> signals,
        long revision) {
    /** By adapter, then time, then version. */
    public static final Comparator<EvaluationLine> IN_ORDER = Comparator
            .comparing(EvaluationLine::adapter)
            .thenComparing(EvaluationLine::window)
            .thenComparing(EvaluationLine::version);

    public static EvaluationLine of(Evaluation told) {
        return new EvaluationLine(told.getAdapter(), told.getVersion(),
                Instant.ofEpochMilli(told.getBeginsAtMillis()).toString(), told.getLengthMillis(),
                told.getExamples(), told.getItems(), told.getLogLoss(), told.getPredicted(),
                told.getObserved(), told.getCalibrationError(), told.getAuc(), told.getReward(),
                new TreeMap<>(told.getSignalsMap()), told.getRevision());
    }

    /** The line above others. */
    public static String head() {
        return "%-24s %-24s %8s %8s %7s %8s %9s %8s %6s %6s %7s".formatted("adapter", "window",
                "version", "examples", "items", "log loss", "predicted", "observed", "ece", "auc",
                "reward");
    }

    @Override
    public String toString() {
        boolean judged = items > 0;
        return "%-24s %-24s %8d %8d %7d %8s %9s %8s %6s %6s %7s".formatted(adapter, window,
                version, examples, items, figure(judged, logLoss), figure(judged, predicted),
                figure(judged, observed), figure(judged, calibrationError), figure(judged, auc),
                figure(examples > 0, reward));
    }

    private static String figure(boolean known, double value) {
        return known ? String.format(Locale.ROOT, "%.3f", value) : "-";
    }
}
