package dev.flywheel.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ArmClicksTest {
    private final ArmClicks clicks = new ArmClicks();

    @Test
    void theRateCountsSlatesOfThePeriodOnly() {
        clicks.add(1, true);
        clicks.add(2, false);
        clicks.add(3, false);

        assertThat(clicks.rate(0, 10)).isEqualTo(1.0 / 3);
        assertThat(clicks.rate(2, 10)).isZero();
        assertThat(clicks.rate(1, 2)).isEqualTo(1.0);
    }

    @Test
    void withoutASlateThereIsNoRecentRate() {
        assertThat(clicks.recent(100)).isNaN();
    }

    @Test
    void aLevelIsReachedByTheSlatesAfterTheDriftAlone() {
        for (int i = 0; i < 10; i++) {
            clicks.add(i, true);
        }
        for (int i = 10; i < 20; i++) {
            clicks.add(i, i >= 14);
        }

        assertThat(clicks.firstReached(10, 4, 0.9)).isEqualTo(17);
    }

    @Test
    void aLevelThatIsNeverReachedIsNotANumber() {
        clicks.add(1, false);

        assertThat(clicks.firstReached(0, 1, 0.5)).isNaN();
    }

    @Test
    void slatesThatCameOutOfOrderDoNotDisturbTheWindow() {
        clicks.add(11, false);
        clicks.add(9, true);
        clicks.add(12, false);
        clicks.add(13, true);
        clicks.add(14, true);

        assertThat(clicks.firstReached(10, 2, 1.0)).isEqualTo(14);
    }
}
