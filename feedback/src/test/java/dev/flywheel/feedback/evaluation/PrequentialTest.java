package dev.flywheel.feedback.evaluation;

import static dev.flywheel.feedback.evaluation.Told.option;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrequentialTest {
    private static final double EXACT = 1e-9;
    private static final CellKey FIRST = new CellKey(3, 1_000_000);
    private static final CellKey SECOND = new CellKey(3, 1_010_000);

    private final Prequential prequential = new Prequential(Duration.ofSeconds(10));
    private final InMemoryCells memory = new InMemoryCells();

    @Test
    void aClickIsHeldAgainstTheVerdictsOfItsSlate() throws Exception {
        judge(Told.click("i", "x", 1_000_500, option("x", 2, 1), option("y", -1, 0)));

        Evaluation told = evaluation(FIRST);
        assertThat(told.getExamples()).isEqualTo(1);
        assertThat(told.getItems()).isEqualTo(2);
        assertThat(told.getLogLoss())
                .isCloseTo((Math.log(1 + Math.exp(-2)) + Math.log(1 + Math.exp(-1))) / 2,
                        within(EXACT));
        assertThat(told.getPredicted()).isCloseTo((sigmoid(2) + sigmoid(-1)) / 2, within(EXACT));
        assertThat(told.getObserved()).isEqualTo(0.5);
        assertThat(told.getCalibrationError())
                .isCloseTo((1 - sigmoid(2) + sigmoid(-1)) / 2, within(EXACT));
        assertThat(told.getAuc()).isEqualTo(1);
        assertThat(told.getReward()).isEqualTo(1);
        assertThat(told.getSignalsMap()).isEqualTo(Map.of("click", 1L));
        assertThat(told.getNewestMillis()).isEqualTo(1_000_500);
        assertThat(told.getAdapter()).isEqualTo("a");
        assertThat(told.getVersion()).isEqualTo(3);
        assertThat(told.getBeginsAtMillis()).isEqualTo(1_000_000);
        assertThat(told.getLengthMillis()).isEqualTo(10_000);
    }

    @Test
    void aLateClickTakesBackWhatSilenceHadContributedInItsWindow() throws Exception {
        judge(Told.silence("i", 1_000_000, option("x", 2, 0), option("y", -1, 0)));
        assertThat(evaluation(FIRST).getItems()).isEqualTo(2);

        Prequential.Outcome late = judge(Told.ofKind(
                Told.click("i", "x", 1_012_000, option("x", 2, 1)),
                ExampleKind.EXAMPLE_KIND_BINARY));

        assertThat(late.changed()).containsExactlyInAnyOrder(FIRST, SECOND);
        assertThat(late.firstTaken()).isTrue();
        assertThat(evaluation(FIRST).getItems()).isEqualTo(1);
        assertThat(evaluation(FIRST).getLogLoss())
                .isCloseTo(Math.log(1 + Math.exp(-1)), within(EXACT));
        assertThat(evaluation(FIRST).getExamples()).as("examples stay").isEqualTo(1);
        assertThat(evaluation(SECOND).getObserved()).isEqualTo(1);
        assertThat(memory.cells.get(FIRST).getRevision()).isEqualTo(2);
    }

    @Test
    void aChangedMindCountsByTheLaterWordWhicheverComesFirst() throws Exception {
        LabelledExample first = Told.dismissal("i", "x", 1_001_000, option("x", 1, -1));
        LabelledExample second = Told.click("i", "x", 1_002_000, option("x", 1, 1));
        for (List<LabelledExample> order : List.of(List.of(first, second),
                List.of(second, first))) {
            InMemoryCells cells = new InMemoryCells();
            for (LabelledExample each : order) {
                prequential.judge(Told.item(each, false), cells);
            }
            Evaluation told = cells.evaluations(prequential).get(FIRST);
            assertThat(told.getItems()).isEqualTo(1);
            assertThat(told.getObserved()).isEqualTo(1);
            assertThat(told.getReward()).as("both were said").isZero();
            assertThat(told.getExamples()).isEqualTo(2);
        }
    }

    @Test
    void whatIsSaidOfOneItemDoesNotUndoWhatWasSaidOfAnother() throws Exception {
        judge(Told.click("i", "x", 1_001_000, option("x", 0, 1), option("y", 0, 0)));
        Prequential.Outcome other =
                judge(Told.click("i", "y", 1_002_000, option("x", 0, 0), option("y", 0, 1)));
        assertThat(other.firstTaken()).isTrue();
        assertThat(evaluation(FIRST).getItems()).isEqualTo(2);
        assertThat(evaluation(FIRST).getObserved()).isEqualTo(1);
    }

    @Test
    void theSameExampleCountsOnce() throws Exception {
        LabelledExample click = Told.click("i", "x", 1_001_000, option("x", 0, 1));
        judge(click);
        assertThat(judge(click).changed()).isEmpty();
        assertThat(judge(click).firstTaken()).isFalse();
        assertThat(evaluation(FIRST).getExamples()).isEqualTo(1);
    }

    @Test
    void whatHasNoVerdictCountsInExamplesSignalsAndRewardAlone() throws Exception {
        judge(Told.ofKind(Told.thumb("i", true, 1_001_000), ExampleKind.EXAMPLE_KIND_KTO));
        judge(Told.ofKind(Told.thumb("j", false, 1_001_000), ExampleKind.EXAMPLE_KIND_KTO));
        judge(Told.ofKind(Told.correction("j", 1_002_000), ExampleKind.EXAMPLE_KIND_SFT));
        judge(Told.rating("k", "x", 0.25, 1_003_000));

        Evaluation told = evaluation(FIRST);
        assertThat(told.getItems()).isZero();
        assertThat(told.getLogLoss()).isZero();
        assertThat(told.getAuc()).isEqualTo(0.5);
        assertThat(told.getReward()).isEqualTo((1 - 1 - 1 + 0.25) / 4);
        assertThat(told.getSignalsMap())
                .isEqualTo(Map.of("thumb", 2L, "correction", 1L, "rating", 1L));
    }

    @Test
    void ofADecisionOnlyTheItemItIsAboutCounts() throws Exception {
        judge(Told.decision(Told.reward("i", "y", -0.5, 1_001_000, option("x", 1, 0),
                option("y", 2, -0.5)), 1));
        assertThat(evaluation(FIRST).getItems()).isEqualTo(1);
        assertThat(evaluation(FIRST).getPredicted()).isCloseTo(sigmoid(2), within(EXACT));
        assertThat(evaluation(FIRST).getObserved()).isZero();
        assertThat(evaluation(FIRST).getReward()).isEqualTo(-0.5);
    }

    @Test
    void silenceOfADecisionIsOfTheItemItIsTrainedOn() throws Exception {
        judge(Told.decision(Told.silence("i", 1_001_000, option("x", 1, 0), option("y", 2, 0)), 1));
        assertThat(evaluation(FIRST).getItems()).isEqualTo(1);
        assertThat(evaluation(FIRST).getPredicted()).isCloseTo(sigmoid(2), within(EXACT));
    }

    @Test
    void whatSamplingKeptStandsForWhatItLeftOut() throws Exception {
        LabelledExample silence = Told.silence("i", 1_001_000, option("x", 0, 0));
        judge(silence.toBuilder()
                .setExample(silence.getExample().toBuilder().setSamplingRate(0.25))
                .build());
        judge(Told.click("j", "x", 1_001_000, option("x", 0, 1)));
        assertThat(evaluation(FIRST).getItems()).isEqualTo(5);
        assertThat(evaluation(FIRST).getObserved()).isEqualTo(0.2);
    }

    @Test
    void nothingMoreCountsOfAnAnswerThatHadToBeForgotten() throws Exception {
        judge(Told.silence("i", 1_000_000, option("x", 2, 0), option("y", -1, 0)));
        memory.forgetImpression("i");

        Prequential.Outcome late = judgeLater(Told.click("i", "x", 1_012_000, option("x", 2, 1)));
        Prequential.Outcome again = judgeLater(Told.click("i", "x", 1_013_000, option("x", 2, 1)));

        assertThat(late.changed()).isEmpty();
        assertThat(late.missed()).isTrue();
        assertThat(late.firstTaken()).as("how long users take is known all the same").isTrue();
        assertThat(again.missed()).isTrue();
        assertThat(again.firstTaken()).isFalse();
        assertThat(memory.cells).containsOnlyKeys(FIRST);
        assertThat(evaluation(FIRST).getItems()).isEqualTo(2);
        assertThat(evaluation(FIRST).getObserved()).isZero();
    }

    @Test
    void whatIsSaidFirstOfAnOldAnswerCountsThoughOthersWereForgotten() throws Exception {
        judge(Told.silence("i", 1_000_000, option("x", 2, 0)));
        memory.forgetImpression("i");
        assertThat(judge(Told.click("j", "x", 1_001_000, option("x", 2, 1))).missed()).isFalse();
        judgeLater(Told.click("j", "y", 1_002_000, option("x", 2, 0), option("y", 0, 1)));
        assertThat(evaluation(FIRST).getItems()).isEqualTo(3);
    }

    @Test
    void aFollowingLabelCountsWhereNothingWasForgotten() throws Exception {
        // What came before it was capped: it never got here.
        judgeLater(Told.click("i", "x", 1_001_000, option("x", 2, 1)));
        assertThat(evaluation(FIRST).getItems()).isEqualTo(1);
    }

    @Test
    void whatCannotBeTakenBackIsNotReplacedEither() throws Exception {
        judge(Told.silence("i", 1_001_000, option("x", 2, 0), option("y", -1, 0)));
        memory.forgetWindow(FIRST.beginsAtMillis());

        judge(Told.click("i", "x", 1_012_000, option("x", 2, 1), option("y", -1, 0)));
        Prequential.Outcome tooLate =
                judge(Told.click("j", "x", 1_002_000, option("x", 2, 1)));

        assertThat(memory.cells).containsOnlyKeys(SECOND);
        assertThat(evaluation(SECOND).getItems()).as("silence has been counted for both").isZero();
        assertThat(evaluation(SECOND).getExamples()).isEqualTo(1);
        assertThat(tooLate.missed()).isTrue();
    }

    @Test
    void whatNothingIsLearnedFromCountsLikeOthersAndTellsNothingOfHowLongUsersTake()
            throws Exception {
        judge(Told.silence("i", 1_000_000, option("x", 2, 0), option("y", -1, 0)));
        Prequential.Outcome only = prequential.judge(
                Told.evaluationOnly(Told.click("i", "x", 1_002_000, option("x", 2, 1))), memory);
        Prequential.Outcome reward =
                judgeLater(Told.reward("i", "x", 1, 1_003_000, option("x", 2, 1)));
        Prequential.Outcome again =
                judgeLater(Told.reward("i", "x", 0.5, 1_004_000, option("x", 2, 1)));

        assertThat(only.changed()).containsExactly(FIRST);
        assertThat(only.firstTaken()).isFalse();
        assertThat(reward.firstTaken()).isTrue();
        assertThat(again.firstTaken()).isFalse();
        assertThat(evaluation(FIRST).getItems()).isEqualTo(2);
        assertThat(evaluation(FIRST).getObserved()).isEqualTo(0.5);
        assertThat(evaluation(FIRST).getSignalsMap())
                .isEqualTo(Map.of("silence", 1L, "click", 1L, "reward", 2L));
    }

    @Test
    void versionsAndWindowsAreApartAndAddUp() throws Exception {
        judge(Told.click("i", "x", 1_001_000, option("x", 1, 1)));
        judge(Told.ofVersion(Told.click("j", "x", 1_002_000, option("x", -1, 1)), 4));
        assertThat(memory.cells.keySet()).containsExactlyInAnyOrder(FIRST,
                new CellKey(4, 1_000_000));
        Evaluation together = prequential.together("a", memory.cells);
        assertThat(together.getVersion()).isEqualTo(4);
        assertThat(together.getItems()).isEqualTo(2);
        assertThat(together.getPredicted())
                .isCloseTo((sigmoid(1) + sigmoid(-1)) / 2, within(EXACT));
    }

    @Test
    void ofAWindowsVersionsTheNewestAndTheOneWithTheMostItemsAreTold() throws Exception {
        judge(Told.click("i", "x", 1_001_000, option("x", 1, 1), option("y", 0, 0)));
        judge(Told.ofVersion(Told.click("j", "x", 1_002_000, option("x", -1, 1)), 4));
        assertThat(prequential.newest("a", memory.cells).getVersion()).isEqualTo(4);
        assertThat(prequential.newest("a", memory.cells).getItems()).isEqualTo(1);
        assertThat(prequential.mostJudged("a", memory.cells).getVersion()).isEqualTo(3);
        assertThat(prequential.mostJudged("a", memory.cells).getItems()).isEqualTo(2);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void theOrderInWhichLabelsComeDoesNotMatter(long seed) throws Exception {
        Random random = new Random(seed);
        List<LabelledExample> told = labels(random, 40, 3);
        Map<CellKey, Evaluation> first = figures(told);
        for (int order = 0; order < 5; order++) {
            Collections.shuffle(told, random);
            List<LabelledExample> twice = new ArrayList<>(told);
            twice.addAll(told.subList(0, told.size() / 3));
            assertThat(figures(twice)).as("seed %d, order %d", seed, order).isEqualTo(first);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {11, 12, 13, 14, 15})
    void areaAndLossAreThoseOfAllPairsAndItems(long seed) throws Exception {
        Random random = new Random(seed);
        List<double[]> items = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            // Scores on the bins' borders, so that the histogram loses nothing.
            double score = (random.nextInt(200) - 100) / 32.0;
            boolean taken = random.nextDouble() < sigmoid(score);
            items.add(new double[] {score, taken ? 1 : 0});
            LabelledOption option = option("x", score, taken ? 1 : 0);
            judge(taken ? Told.click("i" + i, "x", 1_001_000, option)
                    : Told.silence("i" + i, 1_001_000, option));
        }
        Evaluation told = evaluation(FIRST);
        assertThat(told.getAuc()).as("seed %d", seed).isCloseTo(areaOf(items), within(EXACT));
        double loss = 0;
        for (double[] item : items) {
            double probability = sigmoid(item[0]);
            loss -= Math.log(item[1] > 0 ? probability : 1 - probability);
        }
        assertThat(told.getLogLoss()).as("seed %d", seed)
                .isCloseTo(loss / items.size(), within(1e-8));
        assertThat(told.getCalibrationError()).as("well calibrated").isLessThan(0.15);
    }

    private static double areaOf(List<double[]> items) {
        double above = 0;
        double pairs = 0;
        for (double[] taken : items) {
            for (double[] passed : items) {
                if (taken[1] > 0 && passed[1] == 0) {
                    pairs++;
                    above += taken[0] > passed[0] ? 1 : taken[0] == passed[0] ? 0.5 : 0;
                }
            }
        }
        return above / pairs;
    }

    private static List<LabelledExample> labels(Random random, int impressions, int items) {
        List<LabelledExample> told = new ArrayList<>();
        for (int i = 0; i < impressions; i++) {
            double[] scores = random.doubles(items, -3, 3).toArray();
            for (int k = random.nextInt(6); k >= 0; k--) {
                int item = random.nextInt(items);
                long at = 1_000_000L + random.nextInt(30_000);
                LabelledOption[] slate = new LabelledOption[items];
                double label = new double[] {1, -1, 0}[random.nextInt(3)];
                for (int j = 0; j < items; j++) {
                    slate[j] = option("c" + j, scores[j], j == item ? label : 0);
                }
                String id = "i" + i;
                told.add(label > 0 ? Told.click(id, "c" + item, at, slate)
                        : label < 0 ? Told.dismissal(id, "c" + item, at, slate)
                        : Told.silence(id, at, slate));
            }
        }
        return told;
    }

    private Map<CellKey, Evaluation> figures(List<LabelledExample> told) throws Exception {
        InMemoryCells cells = new InMemoryCells();
        for (LabelledExample each : told) {
            prequential.judge(Told.item(each, false), cells);
        }
        Map<CellKey, Evaluation> figures = cells.evaluations(prequential);
        // What was taken back wholly leaves an empty cell, which order decides whether it was ever made.
        figures.values().removeIf(each -> each.getExamples() == 0 && each.getItems() == 0);
        return figures;
    }

    private Prequential.Outcome judge(LabelledExample told) throws Exception {
        return prequential.judge(Told.item(told, false), memory);
    }

    private Prequential.Outcome judgeLater(LabelledExample told) throws Exception {
        return prequential.judge(Told.item(told, true), memory);
    }

    private Evaluation evaluation(CellKey key) {
        return memory.evaluations(prequential).get(key);
    }

    private static double sigmoid(double score) {
        return 1 / (1 + Math.exp(-score));
    }
}
