package dev.flywheel.app.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.adapters.random.SeededRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArrivalsTest {
    private static final long SEED = 3;
    private static final int DRAWS = 200_000;

    @ParameterizedTest
    @CsvSource({"POISSON, 1", "BURSTY, 3"})
    void gapsHaveTheMeanOfTheRateAndTheDeviationOfThePattern(ArrivalPattern pattern,
            double variation) {
        Arrivals arrivals = new Arrivals(pattern, 50, new SeededRandom(SEED));
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < DRAWS; i++) {
            double seconds = arrivals.nextGap() / 1e9;
            assertThat(seconds).isNotNegative();
            sum += seconds;
            squares += seconds * seconds;
        }
        double mean = sum / DRAWS;
        double deviation = Math.sqrt(squares / DRAWS - mean * mean);

        assertThat(mean).as("seed " + SEED).isCloseTo(0.02, within(0.0006));
        assertThat(deviation / mean).as("seed " + SEED).isCloseTo(variation, within(0.1));
    }
}
