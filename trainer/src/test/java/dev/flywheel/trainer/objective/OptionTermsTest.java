package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class OptionTermsTest {
    private static final OptionTerms VERDICTS =
            new OptionTerms(2, new int[] {0, 0, 1, 1}, new double[] {1, -1, 1, -1});

    @Test
    void aVerdictIsTheDifferenceOfTwoLogProbabilities() {
        assertThat(VERDICTS.scores(new double[] {-1, -3, -2, -0.5})).containsExactly(2, -1.5);
    }

    @Test
    void gradientGoesBackWithTheSameSigns() {
        assertThat(VERDICTS.toTargets(new double[] {0.25, -1})).containsExactly(0.25, -0.25, -1, 1);
    }

    @Test
    void refusesATargetOfNoOption() {
        assertThatThrownBy(() -> new OptionTerms(1, new int[] {1}, new double[] {1}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("option 1 is outside [0, 1)");
    }
}
