package dev.flywheel.feedback.ope;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class OffPolicyEvaluationTest {
    private static final List<String> ITEMS = List.of("a", "b", "c");
    private static final double[] LOGGED = {0.7, 0.2, 0.1};
    private static final double[] TARGET = {0.1, 0.3, 0.6};
    private static final double[] CLICKS = {0.1, 0.3, 0.6};
    private static final double TRUTH = 0.1 * 0.1 + 0.3 * 0.3 + 0.6 * 0.6;
    private static final Offset<Double> EXACT = within(1e-12);

    private final long seed = System.nanoTime();
    private final SplittableRandom random = new SplittableRandom(seed);

    private static int draw(double[] chances, double u) {
        double sum = 0;
        for (int i = 0; i < chances.length; i++) {
            sum += chances[i];
            if (u < sum) {
                return i;
            }
        }
        return chances.length - 1;
    }

    private static LoggedPlace place(int taken, double reward) {
        return new LoggedPlace(ITEMS, TARGET, taken, LOGGED[taken], reward);
    }

    private double reward(double chance) {
        return random.nextDouble() < chance ? 1 : 0;
    }

    private List<LoggedDecision> log(int decisions) {
        List<LoggedDecision> log = new ArrayList<>();
        for (int i = 0; i < decisions; i++) {
            int taken = draw(LOGGED, random.nextDouble());
            log.add(LoggedDecision.of(place(taken, reward(CLICKS[taken]))));
        }
        return log;
    }

    private void assertHolds(Estimate estimate, double truth) {
        // Five standard errors: once in two million logs.
        assertThat(Math.abs(estimate.value() - truth)).as("seed %d: %s", seed, estimate)
                .isLessThan(5 * estimate.standardError());
    }

    @Test
    void handWorkedDecisionsGiveTheFormulasFigures() {
        Estimates estimates = OffPolicyEvaluation.of(List.of(LoggedDecision.of(place(0, 1)),
                LoggedDecision.of(place(1, 0)), LoggedDecision.of(place(2, 1))));
        double w0 = 0.1 / 0.7;
        double w1 = 0.3 / 0.2;
        double w2 = 0.6 / 0.1;
        assertThat(estimates.ips().value()).isEqualTo((w0 + w2) / 3, EXACT);
        assertThat(estimates.snips().value()).isEqualTo((w0 + w2) / (w0 + w1 + w2), EXACT);
        assertThat(estimates.effectiveSamples()).isEqualTo(
                Math.pow(w0 + w1 + w2, 2) / (w0 * w0 + w1 * w1 + w2 * w2), EXACT);
        assertThat(estimates.weightMean()).isEqualTo((w0 + w1 + w2) / 3, EXACT);
        assertThat(estimates.weightMax()).isEqualTo(w2, EXACT);
        assertThat(estimates.logged()).isEqualTo(2.0 / 3, EXACT);
    }

    @Test
    void thePolicyThatWasLoggedEarnsWhatWasLogged() {
        List<LoggedDecision> log = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            int taken = draw(LOGGED, random.nextDouble());
            log.add(LoggedDecision.of(
                    new LoggedPlace(ITEMS, LOGGED, taken, LOGGED[taken], reward(0.5))));
        }
        Estimates estimates = OffPolicyEvaluation.of(log);
        assertThat(estimates.ips().value()).isEqualTo(estimates.logged(), EXACT);
        assertThat(estimates.snips().value()).isEqualTo(estimates.logged(), EXACT);
        assertThat(estimates.effectiveSamples()).isEqualTo(100, within(1e-9));
    }

    @Test
    void everyEstimatorFindsTheTruthWithinItsStandardErrors() {
        Estimates estimates = OffPolicyEvaluation.of(log(20_000));
        for (Estimate each : List.of(estimates.ips(), estimates.snips(), estimates.dr(),
                estimates.sndr())) {
            assertHolds(each, TRUTH);
        }
        assertThat(estimates.dr().standardError()).as("seed %d", seed)
                .isLessThan(estimates.ips().standardError());
    }

    @Test
    void standardErrorsTellHowFarEstimatesSpread() {
        List<double[]> spread = new ArrayList<>();
        double[] told = new double[4];
        int logs = 200;
        for (int i = 0; i < logs; i++) {
            Estimates estimates = OffPolicyEvaluation.of(log(500));
            List<Estimate> all = List.of(estimates.ips(), estimates.snips(), estimates.dr(),
                    estimates.sndr());
            spread.add(all.stream().mapToDouble(Estimate::value).toArray());
            for (int k = 0; k < told.length; k++) {
                told[k] += all.get(k).standardError() / logs;
            }
        }
        for (int k = 0; k < told.length; k++) {
            int estimator = k;
            double mean = spread.stream().mapToDouble(each -> each[estimator]).average().orElse(0);
            double seen = Math.sqrt(spread.stream()
                    .mapToDouble(each -> Math.pow(each[estimator] - mean, 2))
                    .sum() / (logs - 1));
            assertThat(told[k] / seen).as("seed %d, estimator %d", seed, k).isBetween(0.7, 1.4);
        }
    }

    /** The second place's reward is doubled where item c stands in the first. */
    @Test
    void aPlacesRewardMayDependOnThePlacesBefore() {
        double truth = 0;
        for (int first = 0; first < 3; first++) {
            double[] target = rest(TARGET, first);
            for (int i = 0; i < 2; i++) {
                truth += TARGET[first] * target[i] * second(first, index(first, i));
            }
        }
        List<LoggedDecision> log = new ArrayList<>();
        for (int n = 0; n < 50_000; n++) {
            int first = draw(LOGGED, random.nextDouble());
            double[] chances = rest(LOGGED, first);
            int second = draw(chances, random.nextDouble());
            List<String> left = new ArrayList<>(ITEMS);
            left.remove(first);
            log.add(new LoggedDecision(List.of(place(first, 0),
                    new LoggedPlace(left, rest(TARGET, first), second, chances[second],
                            reward(second(first, index(first, second)))))));
        }
        Estimates estimates = OffPolicyEvaluation.of(log);
        for (Estimate each : List.of(estimates.ips(), estimates.snips(), estimates.dr(),
                estimates.sndr())) {
            assertHolds(each, truth);
        }
    }

    private static double second(int first, int item) {
        return (first == 2 ? 1.0 : 0.5) * CLICKS[item];
    }

    private static int index(int first, int amongTheRest) {
        return amongTheRest < first ? amongTheRest : amongTheRest + 1;
    }

    private static double[] rest(double[] chances, int without) {
        double[] rest = new double[chances.length - 1];
        for (int i = 0; i < rest.length; i++) {
            rest[i] = chances[index(without, i)] / (1 - chances[without]);
        }
        return rest;
    }

    @Test
    void aSlateThatEndsEarlyKeepsItsWeight() {
        LoggedDecision one = LoggedDecision.of(place(0, 1));
        LoggedDecision two = new LoggedDecision(List.of(place(2, 0),
                new LoggedPlace(List.of("a", "b"), new double[] {0.5, 0.5}, 0, 0.5, 1)));
        Estimates estimates = OffPolicyEvaluation.of(List.of(one, two));
        double w1 = 0.1 / 0.7;
        double w2 = 6;
        assertThat(estimates.ips().value()).isEqualTo((w1 + w2) / 2, EXACT);
        assertThat(estimates.snips().value())
                .isEqualTo(w1 / (w1 + w2) + w2 / (w1 + w2), EXACT);
    }

    @Test
    void whatCannotBeWeightedIsRefusedByName() {
        assertThatThrownBy(() -> new LoggedPlace(ITEMS, TARGET, 0, 0, 1))
                .hasMessageContaining("propensity is 0");
        assertThatThrownBy(() -> new LoggedPlace(ITEMS, new double[] {0.5, 0.25, 0}, 0, 0.5, 1))
                .hasMessageContaining("add up to 0.75");
        assertThatThrownBy(() -> new LoggedPlace(ITEMS, TARGET, 0, 0.5, Double.NaN))
                .hasMessageContaining("reward is NaN");
        assertThatThrownBy(() -> OffPolicyEvaluation.of(List.of()))
                .hasMessageContaining("2 at least");
    }
}
