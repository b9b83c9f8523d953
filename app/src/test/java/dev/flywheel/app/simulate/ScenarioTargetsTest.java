package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each scenario takes for met, on figures made up for it. */
class ScenarioTargetsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {"click", "dismiss", "rating", "reward", "thumb", "correction", "preference"})
    void aSignalHasLearnedIfTheIntervalOfItsGainsExcludesZero(String scenario) {
        assertThat(met(scenario, gains("", 0.1, 0.2, 0.15, 0.12, 0.1))).isTrue();
        assertThat(met(scenario, gains("", -0.1, 0.5, -0.2, 0.4, 0.1))).isFalse();
        assertThat(met(scenario, gains("", -0.1, -0.2, -0.15, -0.12, -0.1))).isFalse();
        assertThat(met(scenario, gains("", 0.1))).as("0.1 of one seed, give or take 0.05").isTrue();
        assertThat(met(scenario, gains("", 0.04))).as("0.04, give or take 0.05").isFalse();
    }

    private static List<SeedFigures> gains(String kind, double... gains) {
        return IntStream.range(0, gains.length)
                .mapToObj(i -> new SeedFigures(i + 1)
                        .with(kind + "difference", "reward", gains[i])
                        .with(kind + "difference", "rewardHalfWidth", 0.05))
                .toList();
    }

    @Test
    void mixedSignalsHaveEachToLearn() {
        SeedFigures seed = gains("slates ", 0.3).getFirst();
        seed.arms().putAll(gains("thumbs ", 0.2).getFirst().arms());
        seed.arms().putAll(gains("corrections ", 0.9).getFirst().arms());
        assertThat(met("mixed", List.of(seed))).isTrue();
        seed.with("thumbs difference", "reward", 0.01);
        assertThat(met("mixed", List.of(seed))).isFalse();
    }

    @ParameterizedTest(name = "{0} points with caps where it is {1} without: {2}")
    @CsvSource({"0.9, 25, true", "1.1, 25, false", "1.1, 19, true", "-3, 80, true"})
    void poisonMayGainAPointWhereItGainsTwentyWithoutCaps(double with, double without,
            boolean met) {
        SeedFigures seed = new SeedFigures(1);
        for (Attack attack : Attack.ALL) {
            gain(seed, attack, 0, 50);
        }
        gain(seed, Attack.ALL.getLast(), with, without);
        assertThat(met("poisoning", List.of(seed))).isEqualTo(met);
    }

    @Test
    void poisonThatDoesNotWorkWithoutCapsShowsNothing() {
        SeedFigures seed = new SeedFigures(1);
        for (Attack attack : Attack.ALL) {
            gain(seed, attack, 0, 10);
        }
        assertThat(met("poisoning", List.of(seed))).isFalse();
    }

    private static void gain(SeedFigures seed, Attack attack, double with, double without) {
        seed.with(attack.name() + ", default caps", "gainPoints", with)
                .with(attack.name() + ", no caps", "gainPoints", without);
    }

    @ParameterizedTest(name = "corrected off by {0} %, naive by {1} %: {2}")
    @CsvSource({"1.9, -41, true", "-1.9, -41, true", "-2.1, -41, false", "0, -9, false",
        "0, 12, true"})
    void theRateMayBeOffByTwoPercentWhereTheNaiveOneIsByTen(double corrected, double naive,
            boolean met) {
        assertThat(met("delayed-feedback", List.of(new SeedFigures(1)
                .with("corrected", "relativeErrorPercent", corrected)
                .with("naive", "relativeErrorPercent", naive)))).isEqualTo(met);
    }

    @ParameterizedTest(name = "{0} of 100 as they should, {1} in two rounds, {2} pending: {3}")
    @CsvSource({"100, 0, 0, true", "99, 0, 0, false", "100, 1, 0, false", "100, 0, 1, false"})
    void everyEventEndsAsItShould(double right, double twice, double pending, boolean met) {
        assertThat(met("join", List.of(new SeedFigures(1)
                .with("late", "events", 100)
                .with("late", "asTheyShould", right)
                .with("all", "inTwoRounds", twice)
                .with("audit", "difference", 0)
                .with("audit", "pending", pending)
                .with("audit", "inTwoManifests", 0)))).isEqualTo(met);
    }

    private static boolean met(String scenario, List<SeedFigures> seeds) {
        return Scenarios.named(scenario).met(seeds);
    }
}
