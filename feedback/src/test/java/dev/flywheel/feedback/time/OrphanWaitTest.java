package dev.flywheel.feedback.time;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Heartbeat;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Served at 10,000, received at 20,000; waits for 30 s, at most for 100 s. */
class OrphanWaitTest {
    private static final long SERVED_AT = 10_000;
    private static final long RECEIVED_AT = 20_000;
    private static final long END = 50_000;
    private static final long LAST_END = 120_000;

    private final OrphanWait wait =
            new OrphanWait(Duration.ofSeconds(30), Duration.ofSeconds(100));

    private long until(Heartbeat report, long now) {
        return wait.until(RECEIVED_AT, SERVED_AT, report, now);
    }

    private static Heartbeat report(long atMillis, long unwrittenSince) {
        return Heartbeat.newBuilder()
                .setNodeId("n")
                .setAtMillis(atMillis)
                .setUnwrittenSinceMillis(unwrittenSince)
                .build();
    }

    @Test
    void feedbackOfANodeThatHasSaidNothingWaitsForTheTimeout() {
        assertThat(until(null, RECEIVED_AT)).isEqualTo(END);
        assertThat(until(null, END)).isEqualTo(END);
    }

    @Test
    void itWaitsLongerWhileItsNodeHasNotWrittenAllThatItServedBefore() {
        assertThat(until(report(49_000, SERVED_AT), END)).isGreaterThan(END);
        assertThat(until(report(49_000, SERVED_AT - 1), END)).isGreaterThan(END);
        assertThat(until(report(49_000, SERVED_AT + 1), END)).as("what is unwritten is newer")
                .isEqualTo(END);
    }

    @Test
    void itNeverWaitsLongerThanTheLongest() {
        Heartbeat unwritten = report(49_000, SERVED_AT);
        assertThat(until(unwritten, LAST_END - 1)).isEqualTo(LAST_END);
        assertThat(until(unwritten, LAST_END)).isEqualTo(LAST_END);
    }

    @Test
    void whatItsNodeHasWrittenIsReadBeforeItIsGivenUp() {
        assertThat(until(report(55_000, 0), END)).isEqualTo(55_000);
        assertThat(until(report(55_000, 0), 55_000)).isEqualTo(55_000);
        assertThat(until(report(40_000, 0), END)).isEqualTo(END);
    }

    @Test
    void aReportFromBeforeTheAnswerSaysNothingOfIt() {
        assertThat(until(report(SERVED_AT, 0), END)).isGreaterThan(END);
        assertThat(until(report(SERVED_AT + 1, 0), END)).isEqualTo(END);
    }
}
