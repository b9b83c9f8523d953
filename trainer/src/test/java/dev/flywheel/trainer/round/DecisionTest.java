package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Example;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.objective.Loss;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A decision is one of what was left to choose from in its place: the shown after it, and all that was not shown. */
class DecisionTest {
    private static final List<String> TEXTS = List.of("tennis", "opera", "soup", "chess", "tea");
    private static final int WIDE = 512;
    private static final long SEED = 5;

    @TempDir Path folder;
    private RoundFixture fixture;
    private TrainingPass pass;

    @BeforeEach
    void load() {
        fixture = new RoundFixture(folder, "reference", TinyBase.SMALL, 2);
        pass = new TrainingPass(fixture.base, new DeviceLoop(1, () -> 0), WIDE);
    }

    @AfterEach
    void close() throws Exception {
        pass.close();
        fixture.close();
    }

    @Test
    void theImportanceOfEveryPlaceIsOneWhereThePolicyIsStillTheOneThatChose() {
        double[] scores = scores(prepared(decision(List.of(0), 0, 1), WIDE));
        Random random = new Random(SEED);
        for (int shown : new int[] {1, 3, TEXTS.size()}) {
            List<Integer> order = order(random).subList(0, shown);
            for (int place = 0; place < shown; place++) {
                PreparedExample.Decision decision =
                        prepared(decision(order, place, chance(scores, order, place)), WIDE);
                assertThat(decision.importance(logProbs(decision))[0])
                        .as("place %d of %s, seed %d", place, order, SEED)
                        .isCloseTo(1, within(1e-4));
            }
        }
    }

    @Test
    void whatDoesNotFitOnTheDeviceHasItsShareOfThePolicyByItsServedScore() {
        double[] scores = scores(prepared(decision(List.of(1), 0, 1), WIDE));
        Example.Builder served = decision(List.of(1), 0, chance(scores, List.of(1), 0)).toBuilder();
        for (int k = 0; k < TEXTS.size(); k++) {
            served.getOptionsBuilder(k).setServedScore(scores[k]);
        }
        int rows = served.getPromptIdsCount() + served.getOptions(1).getIdsCount();
        for (int more = 0; more <= 12; more += 6) {
            PreparedExample.Decision decision = prepared(served.build(), rows + more);
            assertThat(decision.rivals().served()).as("%d rows more", more).isNotEmpty();
            assertThat(decision.batch().rows()).isLessThanOrEqualTo(rows + more);
            assertThat(decision.importance(logProbs(decision))[0]).isCloseTo(1, within(1e-4));
            checkSlopes(decision);
        }
        assertThat(prepared(served.build(), rows).rivals().modelled().getOptionsCount()).isOne();
    }

    @Test
    void thoseThatScoredBestWhenTheyWereServedAreModelledFirstAndInTheirOrder() {
        Example.Builder example = decision(List.of(4, 2), 1, 1).toBuilder();
        double[] served = {1, 3, 0, 2, 9};
        for (int k = 0; k < served.length; k++) {
            example.getOptionsBuilder(k)
                    .setServedScore(served[k])
                    .clearIds()
                    .addAllIds(List.of(65, 66));
        }
        int prompt = example.getPromptIdsCount();
        Rivals all = rivals(example, prompt + 8);
        assertThat(all.served()).isEmpty();
        assertThat(all.action()).as("what was above is no rival").isEqualTo(2);
        assertThat(texts(all)).containsExactly("c0", "c1", "c2", "c3");
        Rivals some = rivals(example, prompt + 7);
        assertThat(texts(some)).containsExactly("c1", "c2", "c3");
        assertThat(some.action()).isEqualTo(1);
        assertThat(some.served()).containsExactly(1);
        example.getOptionsBuilder(1).addIds(67).addIds(68).addIds(69).addIds(70);
        assertThat(texts(rivals(example, prompt + 6)))
                .as("a long one leaves its room to others")
                .containsExactly("c0", "c2", "c3");
    }

    @Test
    void aSlateOfOneOutOfThreeIsLearnedFrom() {
        Example decision =
                fixture.decision("a", "reads", TEXTS.subList(0, 3), 1, 1).toBuilder().build();
        Example.Builder one = decision.toBuilder();
        one.getOptionsBuilder(0).setPlace(-1).setPropensity(0);
        one.getOptionsBuilder(1).setPlace(0);
        one.getOptionsBuilder(2).setPlace(-1).setPropensity(0);
        Parent start = fixture.startParent(RoundFixture.LORA);
        RoundResult result = fixture.run(start, List.of(one.build()), RoundFixture.SETTINGS);
        assertThat(result.figures().getGradientNorm()).isGreaterThan(0.01);
        assertThat(result.figures().getEffect()).isPositive();
    }

    @Test
    void anItemThatWasNotShownHasNoReward() {
        Example.Builder hidden = decision(List.of(1), 0, 1).toBuilder().setAction(0);
        hidden.getOptionsBuilder(1).setLabel(0);
        Parent start = fixture.startParent(RoundFixture.LORA);
        Example other = fixture.slate("b", "u", "reads", TEXTS, 0);
        assertThat(fixture.run(start, List.of(hidden.build(), other), RoundFixture.SETTINGS)
                .untrainable())
                .extracting(Untrainable::detail)
                .containsExactly("option 0 has a reward but was not shown, its place is -1");
    }

    /** @param order of what was shown, from the top; the reward is of the one in that place */
    private Example decision(List<Integer> order, int place, double propensity) {
        Example.Builder decision =
                fixture.decision("a", "reads", TEXTS, order.get(place), 1).toBuilder();
        for (int k = 0; k < TEXTS.size(); k++) {
            decision.getOptionsBuilder(k)
                    .setPlace(order.indexOf(k))
                    .setPropensity(order.contains(k) ? propensity : 0);
        }
        return decision.build();
    }

    private static List<Integer> order(Random random) {
        List<Integer> order = new ArrayList<>();
        for (int k = 0; k < TEXTS.size(); k++) {
            order.add(k);
        }
        Collections.shuffle(order, random);
        return order;
    }

    /** exp(s) of the item over the sum of those that no place before it took. */
    private static double chance(double[] scores, List<Integer> order, int place) {
        double sum = 0;
        for (int k = 0; k < scores.length; k++) {
            sum += order.subList(0, place).contains(k) ? 0 : Math.exp(scores[k]);
        }
        return Math.exp(scores[order.get(place)]) / sum;
    }

    private static Rivals rivals(Example.Builder example, int rows) {
        return Rivals.of(
                example.build(), example.getAction(), new ExamplePreparer.Limits(256, WIDE, rows));
    }

    private static List<String> texts(Rivals rivals) {
        return rivals.modelled()
                .getOptionsList()
                .stream()
                .map(option -> option.getCandidateId())
                .toList();
    }

    /** Central differences in each target's log-probability, the importance weight held. */
    private void checkSlopes(PreparedExample.Decision decision) {
        double[] at = logProbs(decision);
        double weight = decision.importance(at)[0];
        PreparedExample.Decision plain =
                new PreparedExample.Decision(decision.example(), decision.batch(),
                        decision.terms(), decision.rivals(), 0, 1, decision.objective());
        double[] gradient = loss(decision, at).gradient();
        for (int t = 0; t < at.length; t++) {
            double[] above = at.clone();
            double[] below = at.clone();
            above[t] += 1e-5;
            below[t] -= 1e-5;
            double slope = (loss(plain, above).value() - loss(plain, below).value()) / 2e-5;
            assertThat(gradient[t]).isCloseTo(weight * slope, within(1e-7));
        }
        assertThat(Arrays.stream(gradient).map(Math::abs).max().orElseThrow()).isGreaterThan(1e-3);
    }

    private Loss loss(PreparedExample.Decision decision, double[] logProbs) {
        try (TrainableAdapter adapter = start()) {
            return decision.loss(
                    logProbs, new References(pass, adapter, List.of(decision), () -> false));
        }
    }

    private double[] scores(PreparedExample.Decision decision) {
        return decision.terms().scores(logProbs(decision));
    }

    private double[] logProbs(PreparedExample.Decision decision) {
        try (TrainableAdapter adapter = start()) {
            return pass.forward(decision.batch(), adapter);
        }
    }

    private TrainableAdapter start() {
        return TrainableAdapter.of(fixture.base, fixture.start(RoundFixture.LORA), null);
    }

    private PreparedExample.Decision prepared(Example example, int rowsMax) {
        RoundInput input =
                new RoundInput(
                        fixture.startParent(RoundFixture.LORA), List.of(example), 7,
                        RoundFixture.SETTINGS);
        return (PreparedExample.Decision) RoundExamples.prepare(
                input,
                fixture.tokenizer,
                new ExamplePreparer.Limits(fixture.base.spec().vocabSize(), WIDE, rowsMax))
                .own()
                .getFirst();
    }
}
