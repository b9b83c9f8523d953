package dev.flywheel.app.demo;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.flywheel.app.audit.FeedbackFates;

/** What a demo measured; the fields of {@code --json}. Seconds and shares, unless the name says otherwise; null: not measured. */
public record DemoReport(
        long seed,
        int seconds,
        long impressions,
        FeedbackFates feedback,
        long versions,
        long requestsFailed,
        long answersMixed,
        LoopSeconds loopSeconds,
        ClickThrough clickThrough,
        @JsonProperty("recoverySecondsAfterDrift") double recoverySecondsAfterDrift,
        CorrectionResult correction,
        Swaps swaps,
        long acknowledgedToClients,
        long answersWithoutToken) {

    /** Loop latency; {@code measured} events out of all that were trained. */
    public record LoopSeconds(double p50, double p95, double p99, long measured) {}

    /** Click-through of the three arms. */
    public record ClickThrough(Rates frozen, Rates popularity, Rates learned) {}

    /** Click-through over the whole demo and over its last quarter. */
    public record Rates(double all, double lastQuarter) {}

    /** What became of the teacher's correction. */
    public record CorrectionResult(
            double secondsToRight,
            int asks,
            boolean paraphraseRight,
            double unrelatedUnchanged) {}

    /** Hot swaps seen by the node. */
    public record Swaps(long count, double flipMillisP99) {}

    /** Whether the promises held: every event accounted for, no request failed, no answer mixed. */
    @com.fasterxml.jackson.annotation.JsonIgnore
    public boolean held() {
        return feedback.balanced()
                && feedback.pending() == 0
                && feedback.acknowledged() == acknowledgedToClients
                && answersWithoutToken == 0
                && requestsFailed == 0
                && answersMixed == 0;
    }
}
