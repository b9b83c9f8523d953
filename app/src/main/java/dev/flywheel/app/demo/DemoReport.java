package dev.flywheel.app.demo;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.flywheel.app.audit.FeedbackFates;

/**
 * What a demo measured; the fields of {@code --json}. Seconds and shares, unless the name says otherwise; null: not measured.
 *
 * @param impressions answers with a recorded impression that clients heard while the traffic ran, on every arm that asks the
 *        node: those that carried a feedback token, since the node gives none when it could not record the impression. The
 *        questions asked before the traffic and after it are not in it
 * @param loopSeconds of readers' clicks and the teacher's corrections together
 * @param acknowledgedToClients feedback that a server told its sender it has; must be {@code feedback.acknowledged}
 * @param answersWithoutToken answers of an adapter that no feedback can be sent for; must be 0
 */
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

    /** Loop latency of the {@code measured} events, out of the {@code feedback.trained} ones. */
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
