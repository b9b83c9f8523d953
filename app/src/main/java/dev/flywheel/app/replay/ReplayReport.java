package dev.flywheel.app.replay;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.flywheel.app.audit.FeedbackFates;

/** What a replay measured; the fields of {@code --json}. */
public record ReplayReport(
        Arm learned,
        Arm frozen,
        long ratings,
        double ratingsPerSecond,
        FeedbackFates feedback,
        long badRows,
        long requestsFailed,
        long versions,
        String guardProfile) {

    /** Returns whether the promises held: every event accounted for, no request failed. */
    @JsonIgnore
    public boolean held() {
        return feedback.balanced() && feedback.pending() == 0 && requestsFailed == 0;
    }

    /** Prequential figures of one arm; log loss in nats. */
    public record Arm(double auc, double logLoss, double aucSecondHalf) {
        static Arm of(Prequential prequential) {
            return new Arm(prequential.auc(), prequential.logLoss(), prequential.aucSecondHalf());
        }
    }
}
