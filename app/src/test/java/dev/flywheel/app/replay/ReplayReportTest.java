package dev.flywheel.app.replay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.app.audit.FeedbackFates;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ReplayReportTest {
    private static final FeedbackFates FIVE_TRAINED =
            new FeedbackFates(5, 5, 0, new TreeMap<>(), 0, 0);

    @Test
    void whatWasAcknowledgedAndIsNotInTheTopicFailsTheReplayAndIsSaid() {
        assertThat(report(5).held()).isTrue();
        assertThat(ReplaySummary.text(report(5))).doesNotContain("HEARD");

        assertThat(report(6).held()).isFalse();
        assertThat(ReplaySummary.text(report(6))).contains("CLIENTS HEARD 6 ACKNOWLEDGED");
    }

    private static ReplayReport report(long acknowledgedToClient) {
        ReplayReport.Arm arm = new ReplayReport.Arm(0.5, 0.7, 0.5);
        return new ReplayReport(
                arm, arm, 5, 1, FIVE_TRAINED, 0, 0, 1, "trusted-stream", acknowledgedToClient);
    }
}
