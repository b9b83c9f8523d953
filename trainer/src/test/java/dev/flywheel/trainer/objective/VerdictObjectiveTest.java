package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.adapters.random.SeededRandom;
import org.junit.jupiter.api.Test;

class VerdictObjectiveTest {
    private static final double[] LOG_ODDS = {-2.5, 0.3, 4, -40};
    private static final double[] LABELS = {1, 0, 0.25, 0};

    @Test
    void theSlopeAgreesWithFiniteDifferencesWhileTheWeightsAreHeld() {
        for (boolean silence : new boolean[] {true, false}) {
            for (double late : new double[] {0, 0.4, 0.9}) {
                Loss loss = new VerdictObjective(late).loss(LOG_ODDS, LABELS, silence);
                assertThat(loss.value())
                        .isCloseTo(held(LOG_ODDS, late, silence).value(), within(1e-12));
                assertThat(loss.gradient())
                        .containsExactly(held(LOG_ODDS, late, silence).gradient(), within(1e-12));
                FiniteDifferences.check(x -> held(x, late, silence), LOG_ODDS);
            }
        }
    }

    @Test
    void isThePlainLogLossWhereNoPositiveIsLate() {
        double[] labels = {1, 0, 0, 1};
        Loss silent = new VerdictObjective(0).loss(LOG_ODDS, labels, true);
        double plain = 0;
        for (int k = 0; k < labels.length; k++) {
            double p = 1 / (1 + Math.exp(-LOG_ODDS[k]));
            plain -= labels[k] == 1 ? Math.log(p) : Math.log1p(-p);
        }
        assertThat(silent.value()).isCloseTo(plain, within(1e-9));
    }

    @Test
    void whereAllPositivesAreLateTheWeightsAreThoseOfFakeNegatives() {
        double late = Math.nextDown(1.0);
        double p = 0.3;
        double[] at = {Math.log(p / (1 - p))};
        assertThat(new VerdictObjective(late).loss(at, new double[] {1}, false).gradient()[0])
                .isCloseTo(-(1 + p) * (1 - p), within(1e-9));
        assertThat(new VerdictObjective(late).loss(at, new double[] {0}, true).gradient()[0])
                .isCloseTo((1 - p * p) * p, within(1e-9));
    }

    @Test
    void staysFiniteWhereTheModelIsCertain() {
        for (double certain : new double[] {-1e4, 1e4}) {
            for (double label : new double[] {0, 1}) {
                Loss loss =
                        new VerdictObjective(0.5)
                                .loss(new double[] {certain}, new double[] {label}, true);
                assertThat(loss.value()).isFinite();
                assertThat(loss.gradient()[0]).isFinite();
            }
        }
    }

    /**
     * A stream of answers of which 30 % are taken, 40 % of these only after silence has been counted, and
     * of whose silence 30 % is kept: its one parameter must come to the true rate.
     */
    @Test
    void aStreamOfEarlySilenceIsFittedByTheTrueRateAndWithoutWeightsIsNot() {
        long seed = 20261123;
        assertThat(fitted(0.4, seed)).as("seed %d", seed).isCloseTo(0.3, within(0.02 * 0.3));
        assertThat(fitted(0, seed)).as("seed %d", seed).isLessThan(0.9 * 0.3);
    }

    private static double fitted(double lateShare, long seed) {
        double rate = 0.3;
        double late = 0.4;
        double kept = 0.3;
        SeededRandom random = new SeededRandom(seed);
        VerdictObjective objective = new VerdictObjective(lateShare);
        double[] logOdds = {0};
        double mean = 0;
        int answers = 200_000;
        for (int n = 0; n < answers; n++) {
            boolean taken = random.nextDouble() < rate;
            boolean inTime = taken && random.nextDouble() >= late;
            double slope = 0;
            if (!inTime && random.nextDouble() < kept) {
                slope += objective.loss(logOdds, new double[] {0}, true).gradient()[0] / kept;
            }
            if (taken) {
                slope += objective.loss(logOdds, new double[] {1}, false).gradient()[0];
            }
            logOdds[0] -= 0.01 * slope;
            mean += n < answers / 10 ? 0 : 1 / (1 + Math.exp(-logOdds[0])) / (answers * 0.9);
        }
        return mean;
    }

    @Test
    void refusesAShareThatIsNone() {
        for (double share : new double[] {-0.1, 1, Double.NaN}) {
            assertThatThrownBy(() -> new VerdictObjective(share))
                    .hasMessageContaining("late_share must be in [0, 1), was " + share);
        }
    }

    /** The formula of the Javadoc with the weights of {@link #LOG_ODDS}. */
    private static Loss held(double[] logOdds, double late, boolean silence) {
        double value = 0;
        double[] gradient = new double[logOdds.length];
        for (int k = 0; k < logOdds.length; k++) {
            double p = 1 / (1 + Math.exp(-LOG_ODDS[k]));
            double q = p * late;
            double n = silence ? (1 + q) * (1 - p) / (1 - p + q) : 1 + q;
            double o = logOdds[k];
            value += LABELS[k] * (1 + q) * Math.log1p(Math.exp(-o));
            value += (1 - LABELS[k]) * n * Math.log1p(Math.exp(o));
            double now = 1 / (1 + Math.exp(-o));
            gradient[k] = -LABELS[k] * (1 + q) * (1 - now) + (1 - LABELS[k]) * n * now;
        }
        return new Loss(value, gradient);
    }
}
