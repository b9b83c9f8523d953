package dev.flywheel.app.bench.serving;

import dev.flywheel.app.load.Percentiles;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a node does with more than it can do.
 *
 * @param capacity answers a second with clients that always ask for more
 * @param peakGood answers in time a second, at the load that gave the most
 * @param overGood the same at ten times the capacity
 * @param peakMillis 99th percentile of the time of a whole answer at that load
 * @param overMillis the same at ten times the capacity, of the answers given
 */
public record OverloadReport(
        String model,
        int threads,
        int running,
        double firstTokenSeconds,
        double gapSeconds,
        double capacity,
        double peakGood,
        double overGood,
        double goodRatio,
        double peakMillis,
        double overMillis,
        double timeRatio,
        List<Step> steps) {
    private static final double GOOD_LEAST = 0.9;
    private static final double TIME_MOST = 2;
    private static final String REFUSED = "RESOURCE_EXHAUSTED";

    /**
     * One load.
     *
     * @param factor times the capacity
     * @param errors calls without an answer, by gRPC status
     * @param firstTokenMicros raw, in the order in which answers ended
     */
    public record Step(
            double factor,
            double perSecond,
            long sent,
            long answered,
            double goodPerSecond,
            Map<String, Long> errors,
            Percentiles firstTokenMillis,
            Percentiles answerMillis,
            long wrong,
            List<Long> firstTokenMicros) {}

    public boolean held() {
        return goodRatio >= GOOD_LEAST && timeRatio <= TIME_MOST && honest();
    }

    /** Whether what was not answered was refused, and nothing that was is wrong. */
    private boolean honest() {
        return steps.stream()
                .allMatch(step -> step.wrong() == 0
                        && step.errors().keySet().stream().allMatch(REFUSED::equals));
    }

    public String text() {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT,
                "%s, %d threads, %d requests at once; good: first token within %.1f s, tokens %.2f s apart%n"
                        + "capacity %.2f answers/s%n%6s %9s %8s %9s %8s %9s %12s %12s",
                model, threads, running, firstTokenSeconds, gapSeconds, capacity, "load", "sent/s",
                "sent", "answered", "good/s", "refused", "first p99", "answer p99"));
        for (Step step : steps) {
            out.append(String.format(Locale.ROOT,
                    "%n%5.1fx %9.1f %8d %9d %8.2f %9d %9.0f ms %9.0f ms", step.factor(),
                    step.perSecond(), step.sent(), step.answered(), step.goodPerSecond(),
                    step.errors().getOrDefault(REFUSED, 0L), step.firstTokenMillis().p99(),
                    step.answerMillis().p99()));
        }
        return out.append(String.format(Locale.ROOT,
                "%ngood answers at ten times the capacity / at the peak: %.3f (at least %.2f): %s"
                        + "%nanswer p99 at ten times the capacity / at the peak: %.3f (at most %.2f): %s"
                        + "%nfailed but for want of room 0, wrong 0: %s",
                goodRatio, GOOD_LEAST, Verdict.of(goodRatio >= GOOD_LEAST), timeRatio, TIME_MOST,
                Verdict.of(timeRatio <= TIME_MOST), Verdict.of(honest()))).toString();
    }
}
