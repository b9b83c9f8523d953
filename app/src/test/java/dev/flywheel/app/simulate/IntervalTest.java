package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IntervalTest {
    @Test
    void isStudentsIntervalOfFiveValues() {
        Interval interval = Interval.of(List.of(1.0, 2.0, 3.0, 4.0, 5.0));

        assertThat(interval.mean()).isEqualTo(3);
        // t(4, 0.975) * sqrt(2.5 / 5)
        assertThat(interval.halfWidth()).isCloseTo(1.9630, within(1e-3));
        assertThat(interval.aboveZero()).isTrue();
    }

    @Test
    void ofOneValueNothingIsCertain() {
        Interval interval = Interval.of(List.of(1.0));

        assertThat(interval.halfWidth()).isNaN();
        assertThat(interval.aboveZero()).isFalse();
    }

    @Test
    void holdsTheTrueMeanInAboutNineteenOfTwentySamples() {
        long seed = 11;
        Random random = new Random(seed);
        int held = 0;
        for (int sample = 0; sample < 2_000; sample++) {
            List<Double> values = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                values.add(random.nextGaussian());
            }
            Interval interval = Interval.of(values);
            held += Math.abs(interval.mean()) <= interval.halfWidth() ? 1 : 0;
        }

        assertThat(held / 2_000.0).as("seed %d", seed).isBetween(0.935, 0.965);
    }
}
