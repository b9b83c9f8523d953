package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class SftObjectiveTest {
    @Test
    void averagesOverAllTokensByTheirWeights() {
        Loss loss = SftObjective.loss(new double[] {-1, -2, -4}, new double[] {1, 1, 2});
        assertThat(loss.value()).isCloseTo(11.0 / 4, within(1e-12));
        assertThat(loss.gradient()).containsExactly(-0.25, -0.25, -0.5);
    }

    @Test
    void gradientAgreesWithFiniteDifferences() {
        double[] weights = {1.5, 0, 0.25, 3};
        FiniteDifferences.check(
                logProbs -> SftObjective.loss(logProbs, weights),
                new double[] {-0.1, -3, -7.5, -0.9});
    }

    @Test
    void refusesABatchOfNoWeight() {
        assertThatThrownBy(() -> SftObjective.loss(new double[] {-1}, new double[] {0}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sum to 0.0, must be above 0");
    }
}
