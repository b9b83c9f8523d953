package dev.flywheel.serving.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PaceTest {
    private static final long SECOND = 1_000_000_000L;
    private final Pace pace = new Pace();

    @Test
    void untilSomethingHasWaitedTheFastestStepCounts() {
        pace.step(1, SECOND / 10);
        pace.step(50, SECOND / 10);
        pace.step(2, SECOND / 10);
        assertThat(pace.tokensPerSecond()).isCloseTo(500, within(1e-6));
    }

    @Test
    void whatIsTakenUpWithoutWaitingSaysNothing() {
        pace.step(100, SECOND);
        pace.admitted(5_000, 3, 10 * SECOND);
        assertThat(pace.tokensPerSecond()).isCloseTo(100, within(1e-6));
    }

    @Test
    void whileSomethingWaitsItIsWhatWasTakenUpInTheTimeThatPassed() {
        pace.step(100, SECOND);
        pace.admitted(5_000, 3, 10 * SECOND);
        pace.admitted(0, 3, 11 * SECOND);
        assertThat(pace.tokensPerSecond()).isBetween(40.0, 50.0); // what the step promised, for a second
        pace.admitted(40, 0, 12 * SECOND);
        double last = pace.tokensPerSecond();
        assertThat(last).isBetween(30.0, 45.0);
        pace.admitted(5_000, 0, 60 * SECOND);
        assertThat(pace.tokensPerSecond()).isEqualTo(last);
    }

    @Test
    void itForgetsWhatWasLongAgo() {
        for (int second = 0; second < 60; second++) {
            pace.admitted(second < 30 ? 1_000 : 100, 5, second * SECOND);
        }
        assertThat(pace.tokensPerSecond()).isCloseTo(100, within(10.0));
    }
}
