package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DelaysTest {
    private static final Duration WINDOW = Duration.ofSeconds(30);
    private static final Delays DELAYS = new Delays(0.6, WINDOW, Duration.ofSeconds(90));
    private static final int DRAWS = 20_000;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void sixtyPercentComeWithinTheWindowAndTheRestWithAnExponentialTail(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int within = 0;
        double tail = 0;
        for (int i = 0; i < DRAWS; i++) {
            Duration delay = DELAYS.draw(random);
            boolean soon = delay.compareTo(WINDOW) <= 0;
            within += soon ? 1 : 0;
            tail += soon ? 0 : delay.minus(WINDOW).toMillis() / 1e3;
        }

        assertThat((double) within / DRAWS).as("seed %d", seed).isCloseTo(0.6, within(0.015));
        assertThat(tail / (DRAWS - within)).as("seed %d", seed).isCloseTo(90, within(5.0));
    }

    @Test
    void aHigherRankComesLater() {
        Duration before = Duration.ZERO;
        for (double rank = 0.01; rank < 1; rank += 0.01) {
            assertThat(DELAYS.at(rank)).isGreaterThan(before);
            before = DELAYS.at(rank);
        }
    }

    @Test
    void whatIsNoShareIsRefused() {
        assertThatThrownBy(() -> new Delays(1.5, WINDOW, WINDOW)).hasMessageContaining("1.5");
    }
}
