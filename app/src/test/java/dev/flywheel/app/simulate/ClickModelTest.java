package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClickModelTest {
    private static final int SLATES = 20_000;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void slatesAreClickedAsOftenAsTheRateSays(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (List<Boolean> slate : List.of(List.of(true, false, false), List.of(false, false, true),
                List.of(false, false, false))) {
            int clicked = 0;
            for (int i = 0; i < SLATES; i++) {
                clicked += ClickModel.USUAL.click(slate, random) >= 0 ? 1 : 0;
            }

            assertThat((double) clicked / SLATES).as("seed %d, %s", seed, slate)
                    .isCloseTo(ClickModel.USUAL.rate(slate), within(0.015));
        }
    }

    @Test
    void whatStandsLowerIsSeenByFewer() {
        double first = ClickModel.USUAL.rate(List.of(true, false, false));
        double second = ClickModel.USUAL.rate(List.of(false, true, false));
        double third = ClickModel.USUAL.rate(List.of(false, false, true));

        assertThat(first).isGreaterThan(second);
        assertThat(second).isGreaterThan(third);
        assertThat(third).isGreaterThan(ClickModel.USUAL.rate(List.of(false, false, false)));
    }

    @Test
    void whatIsNoChanceIsRefused() {
        assertThatThrownBy(() -> new ClickModel(1.1, 0, 0)).hasMessageContaining("a chance is 1.1");
    }
}
