package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ImportanceWeightsTest {
    @Test
    void averagesToOneOverARound() {
        double[] weights = ImportanceWeights.of(new double[] {0.5, 0.25, 1}, 10);
        assertThat(weights).containsExactly(new double[] {6.0 / 7, 12.0 / 7, 3.0 / 7},
                within(1e-12));
    }

    @Test
    void clipsRareChoices() {
        double[] weights = ImportanceWeights.of(new double[] {0.001, 1}, 10);
        assertThat(weights[0] / weights[1]).isCloseTo(10, within(1e-12));
    }

    @Test
    void anUnknownPropensityGetsTheAverageAndMovesNoOther() {
        assertThat(ImportanceWeights.of(new double[] {0.5, 0, 0.25}, 10))
                .containsExactly(new double[] {2.0 / 3, 1, 4.0 / 3}, within(1e-12));
        assertThat(ImportanceWeights.of(new double[] {0}, 10)).containsExactly(1);
    }

    @Test
    void effectiveSampleSizeCountsEqualWeightsFullyAndUnequalOnesLess() {
        assertThat(ImportanceWeights.effectiveSampleSize(new double[] {2, 2, 2})).isEqualTo(3);
        assertThat(ImportanceWeights.effectiveSampleSize(new double[] {100, 1e-3, 1e-3}))
                .isCloseTo(1, within(1e-3));
    }
}
