package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.model.TinyBase;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What each kind of example teaches, alone and beside others. */
class RoundKindsTest {
    private static final List<String> TEXTS = List.of("tennis", "opera", "soup");
    private static final List<String> ONE = TEXTS.subList(0, 1);
    private static final List<String> ANSWERS = List.of("Paris", "Lyon");
    private static final String QUESTION = "capital of France?";
    private static final RoundSettings SETTINGS =
            RoundFixture.SETTINGS.toBuilder().setKlWeight(0).build();
    private static final RoundSettings LONG = SETTINGS.toBuilder().setSteps(20).build();

    @TempDir Path folder;
    private RoundFixture fixture;
    private Parent start;

    @BeforeEach
    void load() {
        fixture = new RoundFixture(folder, "reference", TinyBase.SMALL, 4);
        start = fixture.startParent(RoundFixture.LORA);
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    void aPreferenceMovesItsAnswersApart() {
        for (boolean turned : new boolean[] {false, true}) {
            Example preference =
                    fixture.preference("a", QUESTION, ANSWERS.get(turned ? 1 : 0),
                            ANSWERS.get(turned ? 0 : 1));
            RoundResult result = fixture.run(start, List.of(preference), LONG);

            assertThat(result.figures().getLossBefore()).isCloseTo(Math.log(2), within(1e-6));
            assertThat(result.figures().getLossAfter()).isLessThan(0.5);
            double change = likelihood(result, 0) - likelihood(result, 1);
            assertThat(turned ? -change : change).as("turned %s", turned).isGreaterThan(1);
        }
    }

    @Test
    void aClickRaisesAVerdictAndSilenceLowersIt() {
        for (int label = 0; label <= 1; label++) {
            Example verdicts = fixture.verdicts("a", "u", "reads", TEXTS, label);
            RoundResult result = fixture.run(start, List.of(verdicts), LONG);
            Example other = fixture.verdicts("a", "u", "reads", TEXTS, 1 - label);
            assertThat(lossOf(learned(result), verdicts))
                    .isLessThan(0.7 * lossOf(start, verdicts));
            assertThat(lossOf(learned(result), other)).isGreaterThan(lossOf(start, other));
        }
    }

    @Test
    void aRewardAboveTheBaselineRaisesItsItemAndOneBelowLowersIt() {
        for (int action : new int[] {0, 2}) {
            for (double reward : new double[] {1, 0}) {
                Example decision = fixture.decision("a", "reads", TEXTS, action, reward);
                Parent learned =
                        learned(fixture.run(start, List.of(decision),
                                LONG.toBuilder().setRewardBaseline(0.5).build()));
                double change = rise(learned, action);
                assertThat(reward > 0 ? change : -change)
                        .as("reward %s of item %d", reward, action)
                        .isGreaterThan(0.2)
                        .as("more than the other end of the slate")
                        .isGreaterThan((reward > 0 ? 1 : -1) * rise(learned, 2 - action));
            }
        }
    }

    /** How much likelier an item is to be chosen from its slate than at the start, nats. */
    private double rise(Parent learned, int item) {
        Example choice = fixture.slate("b", "u", "reads", TEXTS, item);
        return lossOf(start, choice) - lossOf(learned, choice);
    }

    @Test
    void aDecisionThatDoesNotNameItsItemIsOfTheOneWithALabelElseOfTheTopPlace() {
        RoundSettings measured = LONG.toBuilder().setRewardBaseline(0.5).build();
        for (double reward : new double[] {1, 0}) {
            Example.Builder named = fixture.decision("a", "reads", TEXTS, 2, reward).toBuilder();
            named.setAction(reward == 0 ? 0 : 2);
            byte[] expected = fixture.run(start, List.of(named.build()), measured).weightsBytes();
            Example unnamed = named.clearAction().build();
            assertThat(fixture.run(start, List.of(unnamed), measured).weightsBytes())
                    .as("reward %s", reward)
                    .isEqualTo(expected);
        }
    }

    @Test
    void aDecisionWhoseItemIsNoneOrThatHasTwoRewardsIsNamedMalformed() {
        Example decision = fixture.decision("a", "reads", TEXTS, 1, 1);
        Example beyond = decision.toBuilder().setExampleId("b").setAction(3).build();
        Example.Builder twice = decision.toBuilder().setExampleId("c");
        twice.getOptionsBuilder(2).setLabel(0.5);
        assertThat(fixture.run(start, List.of(decision, beyond, twice.build()), LONG).untrainable())
                .extracting(Untrainable::detail)
                .containsExactly("action must be the index of an option, below 3, was 3",
                        "a decision has one reward, but option 2 has a label beside option 1");
    }

    @Test
    void aDecisionOfUnknownPropensityIsTrainedAtWeightOne() {
        Example.Builder unknown =
                fixture.decision("a", "reads", TEXTS, 1, 1).toBuilder();
        unknown.getOptionsBuilderList().forEach(option -> option.setPropensity(0));
        Example.Builder rare = unknown.clone();
        rare.getOptionsBuilder(1).setPropensity(0.01);
        RoundSettings plain = SETTINGS.toBuilder().setGradientClip(0).setSteps(1).build();
        RoundResult without = fixture.run(start, List.of(unknown.build()), plain);
        RoundResult clipped = fixture.run(start, List.of(rare.build()), plain);
        assertThat(without.figures().getEffectiveSampleSize()).isEqualTo(1);
        assertThat(clipped.figures().getGradientNorm() / without.figures().getGradientNorm())
                .as("clipped at importance_clip")
                .isCloseTo(10, within(1e-3));
    }

    @Test
    void anExamplesOwnLeashTakesThePlaceOfTheRounds() {
        Example plain = fixture.slate("a", "u", "reads", TEXTS, 0);
        RoundSettings leashed = SETTINGS.toBuilder().setKlWeight(0.5).build();
        byte[] byRound = fixture.run(start, List.of(plain), leashed).weightsBytes();
        byte[] free = fixture.run(start, List.of(plain), SETTINGS).weightsBytes();
        Example held = plain.toBuilder().setKlWeight(0.5).build();
        Example loose = plain.toBuilder().setKlWeight(0).build();

        assertThat(byRound).isNotEqualTo(free);
        assertThat(fixture.run(start, List.of(held), SETTINGS).weightsBytes()).isEqualTo(byRound);
        assertThat(fixture.run(start, List.of(loose), leashed).weightsBytes()).isEqualTo(free);
    }

    @Test
    void theWeightOfAnEditChangesARoundOnlyWhereAnAnswerIsCorrected() {
        Example alone = fixture.correction("a", QUESTION, "Paris");
        Example beside =
                alone.toBuilder()
                        .addOptions(LabelledOption.newBuilder().addAllIds(fixture.ids(" Pars")))
                        .build();
        RoundSettings edits = SETTINGS.toBuilder().setEditWeight(4).build();
        byte[] plain = fixture.run(start, List.of(alone), SETTINGS).weightsBytes();

        assertThat(fixture.run(start, List.of(beside), SETTINGS).weightsBytes()).isEqualTo(plain);
        assertThat(fixture.run(start, List.of(alone), edits).weightsBytes()).isEqualTo(plain);
        assertThat(fixture.run(start, List.of(beside), edits).weightsBytes()).isNotEqualTo(plain);
    }

    @Test
    void aUsersItemsWeighTheSameWhetherASlateCameAsOneExampleOrAsTwo() {
        RoundSettings plain = SETTINGS.toBuilder().setGradientClip(0).setSteps(1).build();
        Example click = of(fixture.verdicts("a", "u", "reads", List.of("opera"), 1), "slate");
        Example silence =
                of(fixture.verdicts("b", "u", "reads", List.of("tennis", "soup"), 0), "slate");
        Example.Builder whole = silence.toBuilder()
                .setSignal("")
                .addAllOptions(
                        click.getOptionsList());
        double apart = norm(List.of(click, silence), plain);
        assertThat(norm(List.of(whole.build()), plain)).isCloseTo(apart, within(1e-4 * apart));
        assertThat(norm(List.of(click, of(silence, "another")), plain))
                .isCloseTo(apart / 2, within(1e-4 * apart));
    }

    @Test
    void aLateClickIsCutNoMoreThanSilenceByTheClip() {
        RoundSettings clipped = SETTINGS.toBuilder().setGradientClip(1e-3).setSteps(1).build();
        double click = norm(List.of(fixture.verdicts("a", "u", "reads", ONE, 1)), clipped);
        double silence = norm(List.of(fixture.verdicts("a", "u", "reads", ONE, 0)), clipped);
        // |dL/do| of a click is 1 - p and of silence p
        assertThat(click + silence)
                .isCloseTo(1e-3 / Averaging.USERS_USUAL, within(1e-8));
    }

    @Test
    void anItemThatWasTakenOrNotWeighsTheSameHoweverManyUsersARoundHas() {
        RoundSettings plain = SETTINGS.toBuilder().setGradientClip(0).setSteps(1).build();
        List<Example> five = new ArrayList<>();
        for (int user = 0; user < 5; user++) {
            five.add(fixture.verdicts("a" + user, "u" + user, "reads", ONE, 0));
        }
        double one = norm(five.subList(0, 1), plain);
        assertThat(norm(five, plain)).isCloseTo(5 * one, within(1e-4 * one));
    }

    @Test
    void everyKindLearnsBesideTheOthersAndIsCounted() {
        List<Example> examples = mixed();
        RoundResult result = fixture.run(start, examples, LONG);
        RoundFigures figures = result.figures();

        assertThat(result.untrainable()).isEmpty();
        assertThat(figures.getExamplesByKindMap())
                .isEqualTo(Map.of("LISTWISE", 1, "BINARY", 2, "BANDIT", 1, "KTO", 1, "DPO", 1,
                        "SFT", 1));
        assertThat(figures.getUsers()).isEqualTo(6);
        assertThat(figures.getEffectiveSampleSize()).isBetween(1.0, 2.0);
        for (Example example : examples) {
            Example judged = asChoice(example);
            if (lossOf(start, judged) < 0.1) {
                continue; // nothing to learn: this base says yes to everything
            }
            assertThat(lossOf(learned(result), judged))
                    .as(example.getKind().name())
                    .isLessThan(lossOf(start, judged));
        }
        assertThat(fixture.run(start, examples, LONG).weightsBytes())
                .isEqualTo(result.weightsBytes());
    }

    @Test
    void replayedExamplesAreTrainedOnBesideTheRoundsOwn() {
        Example own = fixture.slate("a", "u1", "reads", TEXTS, 0);
        Example earlier = fixture.slate("b", "u2", "plays", ANSWERS, 1);
        RoundResult both = replaying(List.of(own), List.of(earlier));
        assertThat(both.weightsBytes())
                .isEqualTo(fixture.run(start, List.of(own, earlier), LONG).weightsBytes());
        assertThat(both.figures().getExamples()).isEqualTo(1);
        assertThat(both.figures().getReplayed()).isEqualTo(1);
        assertThat(both.figures().getUsers()).isEqualTo(1);
        assertThat(both.figures().getPrequentialLoss())
                .isEqualTo(fixture.run(start, List.of(own), LONG).figures().getPrequentialLoss());
    }

    @Test
    void aReplayedExampleThatCannotBePreparedOrThatANewerOneSpeaksAgainstIsLeftOut() {
        Example own = fixture.correction("a", QUESTION, "Paris");
        Example old = fixture.correction("b", QUESTION, "Lyon");
        Example weightless =
                fixture.correction("c", "largest sea?", "Pacific").toBuilder().setWeight(0).build();
        RoundResult result = replaying(List.of(own), List.of(old, weightless));
        assertThat(result.untrainable()).isEmpty();
        assertThat(result.figures().getReplayed()).isZero();
        assertThat(result.weightsBytes())
                .isEqualTo(fixture.run(start, List.of(own), LONG).weightsBytes());
    }

    private RoundResult replaying(List<Example> own, List<Example> replayed) {
        return fixture.round.run(new RoundInput(start, own, replayed, 7, LONG), () -> false);
    }

    private List<Example> mixed() {
        List<Example> examples = new ArrayList<>();
        examples.add(fixture.slate("a", "u1", "reader of sport", TEXTS, 0));
        examples.add(fixture.verdicts("b", "u2", "reader of music", List.of("opera"), 1));
        examples.add(
                fixture.verdicts("c", "u2", "reader of music", List.of("soup", "tennis"), 0));
        Example.Builder decision = fixture.decision("d", "reader of food", TEXTS, 2, 1).toBuilder();
        for (int k = 0; k < TEXTS.size(); k++) {
            decision.getOptionsBuilder(k).setPlace(2 - k); // the choice was from all of them
        }
        examples.add(decision.build());
        examples.add(fixture.thumb("e", "largest sea?", "Pacific", true));
        examples.add(fixture.preference("f", "longest river?", "Nile", "Rhine"));
        examples.add(fixture.correction("g", QUESTION, "Paris"));
        return examples;
    }

    /** The loss of a decision falls where its item gets rarer too: it is judged as a choice. */
    private static Example asChoice(Example example) {
        return example.getKind() == ExampleKind.EXAMPLE_KIND_BANDIT
                ? example.toBuilder().setKind(ExampleKind.EXAMPLE_KIND_LISTWISE).build()
                : example;
    }

    private static Example of(Example example, String impression) {
        return example.toBuilder().setImpressionId(impression).build();
    }

    private double norm(List<Example> examples, RoundSettings settings) {
        return fixture.run(start, examples, settings).figures().getGradientNorm();
    }

    private Parent learned(RoundResult result) {
        return fixture.parent(RoundFixture.LORA, result);
    }

    private double lossOf(Parent parent, Example example) {
        return fixture.run(parent, List.of(example), SETTINGS).figures().getLossBefore();
    }

    /** How much likelier an answer is than the base finds it, by a loss that knows nothing of preferences. */
    private double likelihood(RoundResult result, int answer) {
        Example came = fixture.continuations("x", QUESTION, List.of(ANSWERS.get(answer)), 0);
        return lossOf(start, came) - lossOf(learned(result), came);
    }
}
