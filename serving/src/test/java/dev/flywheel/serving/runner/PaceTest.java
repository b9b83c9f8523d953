package dev.flywheel.serving.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PaceTest {
    private static final long SECOND = 1_000_000_000L;
    private final Pace pace = new Pace();

    @Test
    void whileNobodyWaitsTheFastestStepCounts() {
        pace.step(1, SECOND / 10, false);
        pace.step(50, SECOND / 10, false);
        pace.step(2, SECOND / 10, false);
        assertThat(pace.tokensPerSecond()).isCloseTo(500, within(1e-6));
    }

    @Test
    void onceSomebodyHasWaitedOnlySuchStepsCount() {
        pace.step(1_000, SECOND, false);
        pace.step(100, SECOND, true);
        pace.step(1, SECOND, false);
        assertThat(pace.tokensPerSecond()).isCloseTo(100, within(1e-6));
    }

    @Test
    void longStepsCountForAsLongAsTheyTake() {
        for (int i = 0; i < 200; i++) {
            pace.step(400, SECOND, true);
            pace.step(10, SECOND / 10, true);
        }
        assertThat(pace.tokensPerSecond()).isCloseTo(410 / 1.1, within(60.0));
    }
}
