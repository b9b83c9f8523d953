package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RankingObjectiveTest {
    private static final RankingObjective OBJECTIVE = new RankingObjective(0.5, 0.2, 0.1, 0.7);
    private static final double[] SCORES = {0.3, -1.2, 2.1, 0};

    static Stream<Arguments> slates() {
        return Stream.of(
                Arguments.of("one chosen", new double[] {0, 1, 0, 0}),
                Arguments.of("two chosen by different strengths", new double[] {0.4, 0, 1, 0}),
                Arguments.of("all chosen", new double[] {1, 1, 1, 1}),
                Arguments.of("nothing chosen", new double[] {0, 0, 0, 0}),
                Arguments.of("one rejected", new double[] {0, -1, 0, 0}),
                Arguments.of("chosen, rejected and passed over", new double[] {1, -0.5, 0, -1}));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("slates")
    void gradientOfVerdictsAgreesWithFiniteDifferences(String name, double[] labels) {
        SlateLabels slate = new SlateLabels(labels, new double[] {1.5, 0.5, 2, 1}, true);
        FiniteDifferences.check(scores -> OBJECTIVE.loss(scores, slate), SCORES);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("slates")
    void gradientOfLikelihoodsAgreesWithFiniteDifferences(String name, double[] labels) {
        SlateLabels slate = new SlateLabels(labels, new double[] {1.5, 0.5, 2, 1}, false);
        double[] logLikelihoods = {-0.3, -4, -1.1, -12};
        FiniteDifferences.check(scores -> OBJECTIVE.loss(scores, slate), logLikelihoods);
    }

    @Test
    void oneChoiceIsTheCrossEntropyPlusItsLogisticTerms() {
        SlateLabels slate =
                new SlateLabels(new double[] {1, 0}, new double[] {2, 1}, true);
        double listwise = -Math.log(Math.exp(1) / (Math.exp(1) + Math.exp(-0.5)));
        double expected =
                2 * (listwise + 0.5 * Math.log1p(Math.exp(-1))) + 0.2 * Math.log1p(Math.exp(-0.5));
        assertThat(OBJECTIVE.loss(new double[] {1, -0.5}, slate).value())
                .isCloseTo(expected, within(1e-12));
    }

    @Test
    void inASlateOfOneASpokenYesWeighsWhatASpokenNoDoes() {
        RankingObjective even = new RankingObjective(0.1, 0.1, 0.02, 1);
        SlateLabels liked = new SlateLabels(new double[] {1}, new double[] {1}, true);
        SlateLabels rejected = new SlateLabels(new double[] {-1}, new double[] {1}, true);
        double yes = even.loss(new double[] {0.7}, liked).gradient()[0];
        double no = even.loss(new double[] {-0.7}, rejected).gradient()[0];
        assertThat(yes).isNegative().isEqualTo(-no);
    }

    @Test
    void aSlateOfOneTeachesThroughItsLogisticTerm() {
        SlateLabels liked = new SlateLabels(new double[] {1}, new double[] {1}, true);
        SlateLabels silent = new SlateLabels(new double[] {0}, new double[] {1}, true);
        assertThat(OBJECTIVE.loss(new double[] {0}, liked).gradient()[0]).isEqualTo(-0.5);
        assertThat(OBJECTIVE.loss(new double[] {0}, silent).gradient()[0]).isEqualTo(0.05);
    }

    @Test
    void silenceWeighsLessThanAChoiceAndFadesWithBelief() {
        SlateLabels chosen =
                new SlateLabels(new double[] {1, 0}, new double[] {1, 1}, true);
        SlateLabels silent =
                new SlateLabels(new double[] {0, 0}, new double[] {1, 1}, true);
        double[] even = {0, 0};
        double push = OBJECTIVE.loss(even, silent).gradient()[0];
        assertThat(push).isPositive();
        assertThat(push).isLessThan(-OBJECTIVE.loss(even, chosen).gradient()[0] / 5);
        assertThat(OBJECTIVE.loss(new double[] {-6, -6}, silent).gradient()[0])
                .isLessThan(push / 100);
    }

    @Test
    void aRejectionSaysNothingAboutTheOthers() {
        SlateLabels slate =
                new SlateLabels(new double[] {-1, 0}, new double[] {1, 1}, true);
        Loss loss = OBJECTIVE.loss(new double[] {1, 1}, slate);
        assertThat(loss.gradient()[0]).isPositive();
        assertThat(loss.gradient()[1]).isZero();
    }

    @Test
    void extremeScoresStayFinite() {
        SlateLabels slate =
                new SlateLabels(new double[] {1, 0, -1}, new double[] {1, 1, 1}, true);
        Loss loss = OBJECTIVE.loss(new double[] {-800, 900, 700}, slate);
        assertThat(loss.value()).isFinite();
        SlateLabels certain =
                new SlateLabels(new double[] {0, 0}, new double[] {1, 1}, false);
        Loss unlikely = OBJECTIVE.loss(new double[] {0, -900}, certain);
        assertThat(unlikely.value()).isFinite();
        assertThat(unlikely.gradient()[0]).isFinite();
    }

    @Test
    void refusesScoresThatDoNotFitTheSlate() {
        SlateLabels slate = new SlateLabels(new double[] {1}, new double[] {1}, true);
        assertThatThrownBy(() -> OBJECTIVE.loss(SCORES, slate))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("4 entries");
    }
}
