package dev.flywheel.app.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.adapters.random.SeededRandom;
import org.junit.jupiter.api.Test;

class PowerLawTest {
    private static final long SEED = 11;
    private static final int DRAWS = 100_000;

    private static double[] shares(int count, double alpha) {
        PowerLaw law = new PowerLaw(count, alpha);
        SeededRandom random = new SeededRandom(SEED);
        double[] shares = new double[count];
        for (int i = 0; i < DRAWS; i++) {
            shares[law.draw(random)] += 1.0 / DRAWS;
        }
        return shares;
    }

    @Test
    void theSecondIsAskedHalfAsOftenAsTheFirstWhereAlphaIsOne() {
        double[] shares = shares(4, 1);
        double first = 1 / (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0);

        for (int i = 0; i < 4; i++) {
            assertThat(shares[i]).as("seed " + SEED).isCloseTo(first / (i + 1), within(0.006));
        }
    }

    @Test
    void allAreAskedAlikeWhereAlphaIsZero() {
        for (double share : shares(5, 0)) {
            assertThat(share).as("seed " + SEED).isCloseTo(0.2, within(0.006));
        }
    }

    @Test
    void aSingleOneIsAlwaysAsked() {
        assertThat(shares(1, 2)).containsExactly(new double[] {1}, within(1e-9));
    }
}
