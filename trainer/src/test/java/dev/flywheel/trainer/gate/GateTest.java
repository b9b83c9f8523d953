package dev.flywheel.trainer.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class GateTest {
    private static final Gate GATE = new Gate(5);
    private static final Evidence SOUND = new Evidence(true, 3, 0.2, 1e-5, 0.4);

    @Test
    void passesASoundCandidate() {
        assertThat(GATE.judge(SOUND, 10)).isEqualTo(new Verdict.Passed());
    }

    @Test
    void refusesNumbersThatAreNotFinite() {
        assertThat(because(new Evidence(false, 3, 0.2, 1e-5, 0.4))).contains("not finite");
        assertThat(because(new Evidence(true, Double.NaN, 0.2, 1e-5, 0.4))).contains("not finite");
    }

    @Test
    void refusesAnExplodedNormNamingBothFigures() {
        assertThat(because(new Evidence(true, 10.5, 0.2, 1e-5, 0.4)))
                .contains("norm 10.50, allowed is 10.00");
    }

    @Test
    void takesACapOfZeroAsNone() {
        assertThat(GATE.judge(new Evidence(true, 1e9, 0.2, 1e-5, 0.4), 0))
                .isEqualTo(new Verdict.Passed());
    }

    @Test
    void refusesACandidateThatChangesNothing() {
        assertThat(because(new Evidence(true, 3, 0, 1e-5, 0.4))).contains("no probe logit");
        assertThat(because(new Evidence(true, 3, 1e-5, 1e-5, 0.4))).contains("no probe logit");
        assertThat(because(new Evidence(true, 3, Double.NaN, 1e-5, 0.4)))
                .contains("no probe logit");
    }

    @Test
    void refusesACandidateTooFarFromTheBase() {
        assertThat(because(new Evidence(true, 3, 0.2, 1e-5, 5.01))).contains("nats from the base");
        assertThat(because(new Evidence(true, 3, 0.2, 1e-5, Double.NaN)))
                .contains("nats from the base");
    }

    @Test
    void refusesABoundThatNothingCouldMeet() {
        assertThatThrownBy(() -> new Gate(0)).hasMessageContaining("must be above 0, was 0.0");
    }

    private static String because(Evidence evidence) {
        return ((Verdict.Refused) GATE.judge(evidence, 10)).because();
    }
}
