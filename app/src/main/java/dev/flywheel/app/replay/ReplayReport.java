package dev.flywheel.app.replay;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.flywheel.app.audit.FeedbackFates;

/**
 * What a replay measured; the fields of {@code --json}.
 *
 * @param acknowledgedToClient feedback that a server told this client it has; must be {@code feedback.acknowledged}
 */
public record ReplayReport(
        Arm learned,
        Arm frozen,
        long ratings,
        double ratingsPerSecond,
        FeedbackFates feedback,
        long badRows,
        long requestsFailed,
        long versions,
        String guardProfile,
        long acknowledgedToClient) {

    /** Returns whether the promises held: every event accounted for, none acknowledged and lost, no request failed. */
    @JsonIgnore
    public boolean held() {
        return feedback.balanced()
                && feedback.pending() == 0
                && feedback.acknowledged() == acknowledgedToClient
                && requestsFailed == 0;
    }

    /** Prequential figures of one arm; log loss in nats. */
    public record Arm(double auc, double logLoss, double aucSecondHalf) {
        static Arm of(Prequential prequential) {
            return new Arm(prequential.auc(), prequential.logLoss(), prequential.aucSecondHalf());
        }
    }
}
