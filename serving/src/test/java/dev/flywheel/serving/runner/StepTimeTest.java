package dev.flywheel.serving.runner;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class StepTimeTest {
    private static final long MILLI = 1_000_000L;
    private final StepTime time = new StepTime();

    @Test
    void beforeTheFirstStepNothingIsKnownToTakeLong() {
        assertThat(time.of(1_000)).isZero();
    }

    @Test
    void stepsTakeWhatTheyTookOnAverage() {
        for (int i = 0; i < 10; i++) {
            time.took(10 * MILLI);
            time.took(30 * MILLI);
        }
        assertThat(time.of(10)).isBetween(Duration.ofMillis(198), Duration.ofMillis(204));
    }

    @Test
    void whatWasSecondsAgoCountsNoMore() {
        for (int i = 0; i < 100; i++) {
            time.took(i < 50 ? 500 * MILLI : 100 * MILLI);
        }
        for (int i = 0; i < 100; i++) {
            time.took(100 * MILLI);
        }
        assertThat(time.of(10)).isBetween(Duration.ofMillis(995), Duration.ofMillis(1_005));
    }
}
