package dev.flywheel.serving.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
    private static final float[] SCORES = {0.5f, 2, -1, 2, 1};
    private static final int GRID = 200_000;

    @Test
    void tokensComeAsOftenAsTheSoftmaxSays() {
        double[] shares = shares(new Sampling(0.7, 0, 1, 0), SCORES);
        double sum = 0;
        for (float score : SCORES) {
            sum += Math.exp(score / 0.7);
        }
        for (int id = 0; id < SCORES.length; id++) {
            assertThat(shares[id]).isCloseTo(Math.exp(SCORES[id] / 0.7) / sum, within(2e-5));
        }
    }

    @Test
    void topKKeepsTheMostProbableTheSmallerIdAmongEquals() {
        double[] shares = shares(new Sampling(1, 1, 1, 0), SCORES);
        assertThat(shares[1]).isEqualTo(1);
        shares = shares(new Sampling(1, 2, 1, 0), SCORES);
        assertThat(shares[1]).isCloseTo(0.5, within(2e-5));
        assertThat(shares[3]).isCloseTo(0.5, within(2e-5));
    }

    @Test
    void topPKeepsTheSmallestSetThatReachesItsShare() {
        float[] scores = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)};
        double[] shares = shares(new Sampling(1, 0, 0.6, 0), scores);
        assertThat(shares[0]).isCloseTo(0.5 / 0.8, within(2e-5));
        assertThat(shares[1]).isCloseTo(0.3 / 0.8, within(2e-5));
        assertThat(shares[2]).isZero();
        assertThat(shares(new Sampling(1, 0, 0.4, 0), scores)[0]).isEqualTo(1);
    }

    @Test
    void minPKeepsWhatIsNotMuchLessProbableThanTheFirst() {
        float[] scores = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)};
        double[] shares = shares(new Sampling(1, 0, 1, 0.5, Penalties.NONE, 0), scores);
        assertThat(shares[0]).isCloseTo(0.5 / 0.8, within(2e-5));
        assertThat(shares[2]).isZero();
        assertThat(shares(new Sampling(1, 0, 1, 1, Penalties.NONE, 0), scores)[0]).isEqualTo(1);
    }

    @Test
    void aChoiceTellsHowProbableItWasAmongWhatWasLeft() {
        float[] scores = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)};
        Sampler sampler = new Sampler(new Sampling(1, 2, 1, 0), new int[0]);
        assertThat(sampler.draw(scores, 0.1).logProb()).isEqualTo(Math.log(0.625), within(1e-6));
        assertThat(sampler.draw(scores, 0.9).logProb()).isEqualTo(Math.log(0.375), within(1e-6));
    }

    @Test
    void penaltiesTakeOffWhatTheyAreSaidTo() {
        Penalties penalties = new Penalties(2, 0.5, 0.25);
        assertThat(penalties.of(3, false, 0)).isEqualTo(3);
        assertThat(penalties.of(3, true, 0)).isEqualTo(1.5f);
        assertThat(penalties.of(-3, true, 0)).isEqualTo(-6);
        assertThat(penalties.of(3, false, 2)).isEqualTo(0.5f);
    }

    @Test
    void veryLargeAndVerySmallScoresDoNotOverflow() {
        double[] shares = shares(new Sampling(0.01, 0, 1, 0), new float[] {3e38f, -3e38f, 0});
        assertThat(shares[0]).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"-1, 0, 1", "NaN, 0, 1", "Infinity, 0, 1", "1, -1, 1", "1, 0, 0", "1, 0, 1.5",
        "1, 0, NaN"})
    void settingsOutOfRangeAreRefused(double temperature, int topK, double topP) {
        assertThatThrownBy(() -> new Sampling(temperature, topK, topP, 0))
                .hasMessageContaining("allowed are");
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0", "-1, 0, 0", "NaN, 0, 0", "1, NaN, 0", "1, 0, Infinity"})
    void penaltiesOutOfRangeAreRefused(double repetition, double presence, double frequency) {
        assertThatThrownBy(() -> new Penalties(repetition, presence, frequency))
                .hasMessageContaining("allowed are");
    }

    /** Measures for each id the part of [0, 1) that draws it. */
    private static double[] shares(Sampling sampling, float[] scores) {
        Sampler sampler = new Sampler(sampling, new int[0]);
        double[] shares = new double[scores.length];
        for (int i = 0; i < GRID; i++) {
            shares[sampler.draw(scores, (i + 0.5) / GRID).id()] += 1.0 / GRID;
        }
        for (int id = 0; id < shares.length; id++) {
            shares[id] = Math.round(shares[id] * GRID) / (double) GRID;
        }
        return shares;
    }
}
