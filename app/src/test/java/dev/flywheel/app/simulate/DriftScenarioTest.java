package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DriftScenarioTest {
    @ParameterizedTest(name = "{0} published between {1} and {2} s: {3}")
    @CsvSource({
        "FROZEN, 0, 100000, false",
        "HALF_HOUR, 1799, 1800, true",
        "HALF_HOUR, 1800, 3599, false",
        "MINUTE, 60, 119, false",
        "MINUTE, 60, 120, true",
        "SECOND, 60, 61, true",
        "SECOND, 60, 60, false"
    })
    void anArmPublishesWhenATimeForItHasCome(DriftScenario.Freshness freshness, long before,
            long now, boolean due) {
        assertThat(freshness.due(before * 1_000, now * 1_000)).isEqualTo(due);
    }

    @Test
    void groupsDriftInTurnOneEachTime() {
        for (int drifts = 1; drifts < 20; drifts++) {
            int moved = 0;
            for (int group = 0; group < 4; group++) {
                moved += DriftScenario.phase(group, drifts)
                        - DriftScenario.phase(group, drifts - 1);
            }

            assertThat(moved).as("drift %d", drifts).isEqualTo(1);
        }
        assertThat(DriftScenario.phase(3, 0)).isZero();
    }
}
