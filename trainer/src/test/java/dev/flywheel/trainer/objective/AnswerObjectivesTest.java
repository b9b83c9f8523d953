package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Preference, KTO and binary losses: their slopes, known values and refusals. */
class AnswerObjectivesTest {
    private static final PreferenceObjective PREFERENCE = new PreferenceObjective(0.3);
    private static final KtoObjective KTO = new KtoObjective(0.3, 1, 1.33);
    private static final BinaryObjective BINARY = new BinaryObjective(0.3, 0.4);
    private static final double[] REFERENCES = {-9.5, -3.25, -14, -6};
    private static final double[] WEIGHTS = {0.25, 2, 1, 1.5};
    private static final double[][] SCORES = {
        {-8, -4, -17, -5.5}, {-9.5, -3.25, -14, -6}, {-30, -1, -2, -60}};

    @Test
    void theSlopeOfPreferencesAgreesWithFiniteDifferences() {
        for (double[] scores : SCORES) {
            FiniteDifferences.check(s -> PREFERENCE.loss(pairs(s)), scores);
        }
    }

    @Test
    void theSlopeOfKtoAgreesWithFiniteDifferencesAtAFixedReferencePoint() {
        for (double[] scores : SCORES) {
            FiniteDifferences.check(s -> KTO.loss(answers(s), 1.25), scores);
        }
    }

    @Test
    void theSlopeOfTheBinaryLossAgreesWithFiniteDifferences() {
        for (double[] scores : SCORES) {
            FiniteDifferences.check(s -> BINARY.loss(answers(s)), scores);
        }
    }

    @Test
    void anAdapterThatMovedNothingLosesOneBitPerPreference() {
        assertThat(PREFERENCE.loss(pairs(REFERENCES)).value()).isCloseTo(Math.log(2),
                within(1e-15));
    }

    @Test
    void marginsBeyondAllRangeLeaveFiniteLossesAndSlopes() {
        ScoredPair lost = new ScoredPair(-1e6, 0, 0, -1e6, 1);
        ScoredAnswer bad = new ScoredAnswer(1e6, 0, false, 1);

        assertThat(PREFERENCE.loss(List.of(lost)).value()).isCloseTo(0.3 * 2e6, within(1e-6));
        assertThat(PREFERENCE.loss(List.of(lost)).gradient()).containsExactly(-0.3, 0.3);
        assertThat(KTO.loss(List.of(bad), 0).value()).isEqualTo(1.33);
        assertThat(BINARY.loss(List.of(bad)).gradient()).containsExactly(0.3);
    }

    @Test
    void theReferencePointIsTheMeanRewardAndNeverBelowZero() {
        assertThat(KtoObjective.referencePoint(new double[] {-3, -1}, new double[] {-5, -2}))
                .isEqualTo(1.5);
        assertThat(KtoObjective.referencePoint(new double[] {-5}, new double[] {-3})).isZero();
        assertThatThrownBy(() -> KtoObjective.referencePoint(new double[0], new double[0]))
                .hasMessageContaining("at least one");
    }

    @Test
    void weightsThatSumToNothingAreRefused() {
        assertThatThrownBy(() -> BINARY.loss(List.of(new ScoredAnswer(-1, -1, true, 0))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("weights sum to 0.0");
        assertThatThrownBy(() -> BINARY.loss(List.of(new ScoredAnswer(-1, -1, true, -1))))
                .hasMessageContaining("weight is -1.0");
    }

    @Test
    void settingsOutOfRangeAreRefusedByName() {
        assertThatThrownBy(() -> new PreferenceObjective(0)).hasMessageContaining("beta");
        assertThatThrownBy(() -> new KtoObjective(Double.NaN, 1, 1)).hasMessageContaining("beta");
        assertThatThrownBy(() -> new KtoObjective(1, 1, -1)).hasMessageContaining("undesirable");
        assertThatThrownBy(() -> new BinaryObjective(1, Double.NaN)).hasMessageContaining("shift");
    }

    private static List<ScoredPair> pairs(double[] scores) {
        List<ScoredPair> pairs = new ArrayList<>();
        for (int i = 0; i < scores.length; i += 2) {
            pairs.add(
                    new ScoredPair(
                            scores[i], scores[i + 1], REFERENCES[i], REFERENCES[i + 1],
                            WEIGHTS[i]));
        }
        return pairs;
    }

    private static List<ScoredAnswer> answers(double[] scores) {
        List<ScoredAnswer> answers = new ArrayList<>();
        for (int i = 0; i < scores.length; i++) {
            answers.add(new ScoredAnswer(scores[i], REFERENCES[i], i % 2 == 0, WEIGHTS[i]));
        }
        return answers;
    }
}
