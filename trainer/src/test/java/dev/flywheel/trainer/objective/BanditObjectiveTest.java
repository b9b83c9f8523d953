package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class BanditObjectiveTest {
    private static final BanditObjective OBJECTIVE = new BanditObjective(4, 2, 0.2);
    private static final double[] SCORES = {-8.249, -4.312, -3.832};

    @Test
    void valueGradientAgreesWithFiniteDifferencesBelowTheClip() {
        FiniteDifferences.check(
                scores -> {
                    BanditObjective.BatchLoss loss =
                            OBJECTIVE.value(
                                    List.of(
                                            new LoggedDecision(scores, 1, 0.9, 1, 1.5),
                                            new LoggedDecision(SCORES, 0, 0.3, 0, 0.5)));
                    return new Loss(loss.value(), loss.gradients().getFirst());
                },
                SCORES);
    }

    @Test
    void valueIsFlatAboveTheClip() {
        LoggedDecision rare = new LoggedDecision(SCORES, 1, 0.05, 1, 1);
        BanditObjective.BatchLoss loss = OBJECTIVE.value(List.of(rare));
        assertThat(loss.value()).isCloseTo(-2 * 0.8, within(1e-12));
        assertThat(loss.gradients().getFirst()).containsOnly(0.0, -0.0);
    }

    @Test
    void policyGradientHoldsTheImportanceWeightConstant() {
        LoggedDecision decision = new LoggedDecision(SCORES, 1, 0.9, 1, 1);
        double rho = Math.exp(logPi(SCORES, 1)) / 0.9;
        BanditObjective.BatchLoss loss = OBJECTIVE.policyGradient(List.of(decision));
        assertThat(loss.value()).isCloseTo(-rho * 0.8 * logPi(SCORES, 1), within(1e-12));
        double step = 1e-6;
        for (int k = 0; k < SCORES.length; k++) {
            double[] above = SCORES.clone();
            double[] below = SCORES.clone();
            above[k] += step;
            below[k] -= step;
            double slope = -rho * 0.8 * (logPi(above, 1) - logPi(below, 1)) / (2 * step);
            assertThat(loss.gradients().getFirst()[k]).isCloseTo(slope, within(1e-8));
        }
    }

    @Test
    void refusesAnUnknownPropensity() {
        assertThatThrownBy(() -> new LoggedDecision(SCORES, 0, 0, 1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("propensity must be in (0, 1], was 0.0");
    }

    private static double logPi(double[] scores, int action) {
        double sum = 0;
        for (double score : scores) {
            sum += Math.exp(score / 4);
        }
        return scores[action] / 4 - Math.log(sum);
    }
}
