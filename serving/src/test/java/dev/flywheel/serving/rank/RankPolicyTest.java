package dev.flywheel.serving.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.ExplorationSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RankPolicyTest {
    private static final double[] SCORES = {0.7, -1.2, 2.5, 0.7, 0.1};
    private static final RankPolicy POLICY = new RankPolicy(0.8, 0.2, 0.03);

    @Test
    void anAdaptersOwnExplorationStandsOverTheNodesFieldByField() {
        RankPolicy node = new RankPolicy(2, 0.05, 0.01);
        assertThat(node.with(ExplorationSettings.getDefaultInstance())).isEqualTo(node);
        assertThat(node.with(ExplorationSettings.newBuilder().setEpsilon(0).build()))
                .isEqualTo(new RankPolicy(2, 0, 0.01));
        assertThat(node.with(ExplorationSettings.newBuilder()
                .setTemperature(0)
                .setPropensityMin(0.2)
                .build())).isEqualTo(new RankPolicy(0, 0.05, 0.2));
    }

    @Test
    void theFirstPropensityIsTheMixtureOfSoftmaxAndUniform() {
        double sum = 0;
        for (double score : SCORES) {
            sum += Math.exp(score / 0.8);
        }
        double[] chances = POLICY.chances(SCORES, new boolean[5], 5);
        for (int i = 0; i < SCORES.length; i++) {
            assertThat(chances[i])
                    .isCloseTo(0.8 * Math.exp(SCORES[i] / 0.8) / sum + 0.2 / 5, within(1e-15));
        }
    }

    @ParameterizedTest(name = "T {0}, epsilon {1}, floor {2}")
    @CsvSource({"0.8, 0.2, 0.03", "0, 0.1, 0", "1, 0, 0", "0.3, 0.05, 0.2", "2, 1, 0"})
    void theProbabilitiesOfAllSlatesSumToOne(double temperature, double epsilon, double floor) {
        RankPolicy policy = new RankPolicy(temperature, epsilon, floor);
        Map<List<Integer>, Double> slates = new HashMap<>();
        enumerate(policy, new ArrayList<>(), 1, 3, slates);
        assertThat(slates.values().stream().mapToDouble(Double::doubleValue).sum())
                .isCloseTo(1, within(1e-12));
    }

    @Test
    void slatesComeAsOftenAsTheirPropensitiesSay() {
        Map<List<Integer>, Double> expected = new HashMap<>();
        enumerate(POLICY, new ArrayList<>(), 1, 2, expected);
        int draws = 200_000;
        Map<List<Integer>, Integer> seen = new HashMap<>();
        for (long seed = 0; seed < draws; seed++) {
            List<RankPolicy.Place> slate = POLICY.draw(SCORES, 2, seed);
            List<Integer> indexes = slate.stream().map(RankPolicy.Place::index).toList();
            assertThat(slate.get(0).propensity() * slate.get(1).propensity())
                    .isCloseTo(expected.get(indexes), within(1e-12));
            seen.merge(indexes, 1, Integer::sum);
        }
        // Chi-square over 20 slates: 19 degrees of freedom, 99.9 % quantile 43.8.
        double chiSquare = 0;
        for (Map.Entry<List<Integer>, Double> slate : expected.entrySet()) {
            double count = slate.getValue() * draws;
            double off = seen.getOrDefault(slate.getKey(), 0) - count;
            chiSquare += off * off / count;
        }
        assertThat(expected).hasSize(20);
        assertThat(chiSquare).isLessThan(43.8);
    }

    @Test
    void noPropensityIsBelowTheFloor() {
        double[] extreme = {50, -50, 0, 3};
        RankPolicy policy = new RankPolicy(0.1, 0, 0.05);
        double[] chances = policy.chances(extreme, new boolean[4], 4);
        assertThat(Arrays.stream(chances).min().getAsDouble()).isGreaterThanOrEqualTo(0.05);
    }

    @Test
    void aFloorAboveTheUniformShareMeansUniform() {
        double[] chances = new RankPolicy(1, 0, 0.5).chances(SCORES, new boolean[5], 5);
        assertThat(chances).containsOnly(0.2);
    }

    @Test
    void temperatureZeroWithoutExplorationSortsByScoreFirstAmongEquals() {
        List<RankPolicy.Place> slate = new RankPolicy(0, 0, 0).draw(SCORES, 5, 99);
        assertThat(slate).extracting(RankPolicy.Place::index).containsExactly(2, 0, 3, 4, 1);
        assertThat(slate).extracting(RankPolicy.Place::propensity).containsOnly(1.0);
    }

    @Test
    void theSameSeedGivesTheSameSlate() {
        assertThat(POLICY.draw(SCORES, 5, 42)).isEqualTo(POLICY.draw(SCORES, 5, 42));
    }

    @Test
    void splitMix64FollowsThePublishedSequence() {
        // First three outputs of the reference implementation for seed 1234567.
        assertThat(SplitMix64.bits(1234567, 0)).isEqualTo(6457827717110365317L);
        assertThat(SplitMix64.bits(1234567, 1)).isEqualTo(3203168211198807973L);
        assertThat(SplitMix64.bits(1234567, 2))
                .isEqualTo(Long.parseUnsignedLong("9817491932198370423"));
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void aScoreThatIsNotFiniteIsRefusedByIndex(double score) {
        assertThatThrownBy(() -> POLICY.draw(new double[] {1, score}, 1, 0))
                .hasMessage("score 1 is " + score + ", must be finite");
    }

    @ParameterizedTest
    @CsvSource({"-0.1, 0, 0, temperature", "NaN, 0, 0, temperature", "1, 1.1, 0, epsilon",
        "1, NaN, 0, epsilon", "1, 0, -1, propensityMin"})
    void settingsOutOfRangeAreRefusedByName(double t, double e, double floor, String name) {
        assertThatThrownBy(() -> new RankPolicy(t, e, floor)).hasMessageStartingWith(name);
    }

    private static void enumerate(RankPolicy policy, List<Integer> slate, double probability,
            int size, Map<List<Integer>, Double> into) {
        if (slate.size() == size) {
            into.put(List.copyOf(slate), probability);
            return;
        }
        boolean[] taken = new boolean[SCORES.length];
        slate.forEach(index -> taken[index] = true);
        double[] chances = policy.chances(SCORES, taken, SCORES.length - slate.size());
        for (int i = 0; i < SCORES.length; i++) {
            if (!taken[i]) {
                slate.add(i);
                enumerate(policy, slate, probability * chances[i], size, into);
                slate.removeLast();
            }
        }
    }
}
