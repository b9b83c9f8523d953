package dev.flywheel.feedback.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rounds of whoever waits, one after the other: what part of them a user gets who sends more than others. */
class RoundShareTest {
    private static final long SEED = 20_260_802;

    private final RoundShare share = new RoundShare(GuardProfile.DEFAULT);
    private final RecentRounds recent = new RecentRounds();
    private final Random random = new Random(SEED);
    private final List<Example> waiting = new ArrayList<>();
    private int ids;
    private int tooMuch;
    private ExampleKind kind = ExampleKind.EXAMPLE_KIND_LISTWISE;

    @ParameterizedTest(name = "{0} others, history {1}")
    @CsvSource({"20, 0, 0.2", "20, 300, 0.2", "45, 0, 0.1", "45, 300, 0.1", "200, 300, 0.05"})
    void oneOfManyHasAboutThreeEqualSharesOfTheRoundsHoweverMuchTheySend(int others, int history,
            double most) {
        play(others, history, false);
        play(others, 400, true);
        double part = recent.partOf(example("loud", "")) / recent.rounds();
        System.out.printf("seed %d: %d others, part %.3f, %d refused%n", SEED, others, part,
                tooMuch);
        assertThat(part).isLessThan(most);
        assertThat(tooMuch).as("refused").isPositive();
    }

    /** Others send one at a time, the loud one eight. */
    private void play(int others, int times, boolean loud) {
        for (int i = 0; i < times; i++) {
            offer("user" + random.nextInt(others), 1);
            if (loud && i % 4 == 0) {
                offer("loud", 8);
            }
            runAll();
        }
    }

    @ParameterizedTest(name = "beside {0} others")
    @ValueSource(ints = {0, 1, 2})
    void whoIsOneOfFewIsNotHeldBack(int others) {
        for (int i = 0; i < 300; i++) {
            if (others > 0) {
                offer("user" + i % others, 1);
            }
            offer("busy", 2);
            runAll();
        }
        assertThat(tooMuch).isZero();
    }

    @Test
    void correctionsAreFreeOfIt() {
        play(45, 300, false);
        kind = ExampleKind.EXAMPLE_KIND_SFT;
        offer("teacher", 20);
        runAll();
        assertThat(tooMuch).isZero();
    }

    @Test
    void whoHasBeenAloneHasLessOnceThereAreManyOthers() {
        offer("first", 200);
        runAll();
        assertThat(tooMuch).isZero();
        play(45, 300, false);
        offer("first", 20);
        runAll();
        assertThat(tooMuch).isPositive();
    }

    @Test
    void aFewExamplesAreAnybodysAlsoAmongMany() {
        play(200, 300, false);
        offer("late", (int) RoundShare.FREE);
        runAll();
        assertThat(tooMuch).isZero();
    }

    @Test
    void whatIsTooMuchAloneFollowsInARoundOfMany() {
        play(200, 300, false);
        offer("loud", (int) RoundShare.FREE);
        runAll();
        offer("loud", 1);
        assertThat(next().tooMuch()).hasSize(1);
        play(200, 40, false);
        offer("loud", 1);
        for (int i = 0; i < 10; i++) {
            offer("user" + i, 1);
        }
        assertThat(next().round()).extracting(Example::getUser).contains("loud").hasSize(11);
    }

    @Test
    void partsSumToTheRoundsAndFade() {
        recent.count(List.of(example("a", "1"), example("b", "2"), example("b", "3")));
        assertThat(recent.partOf(example("b", ""))).isEqualTo(0.5);
        for (int i = 0; i < 2_000; i++) {
            recent.count(List.of(example("c" + i % 10, "" + i)));
        }
        assertThat(recent.partOf(example("a", ""))).isZero();
        assertThat(recent.rounds()).isCloseTo(RecentRounds.ROUNDS, within(1e-6));
        assertThat(recent.diversity().others(0)).isCloseTo(10, within(0.1));
        assertThat(recent.diversity().others(recent.partOf(example("c1", ""))))
                .isCloseTo(9, within(0.1));
    }

    private void offer(String user, int count) {
        for (int i = 0; i < count; i++) {
            waiting.add(example(user, "e" + ids++));
        }
    }

    /** Rounds until nothing waits, as the driver has them. */
    private void runAll() {
        while (!waiting.isEmpty()) {
            RoundShare.Pick<Example> pick = next();
            assertThat(pick.round().isEmpty()).isNotEqualTo(pick.tooMuch().isEmpty());
            tooMuch += pick.tooMuch().size();
            recent.count(pick.round());
            waiting.removeAll(pick.round());
            waiting.removeAll(pick.tooMuch());
        }
    }

    private RoundShare.Pick<Example> next() {
        return share.pick(waiting, Function.identity(), 64, recent);
    }

    private Example example(String user, String id) {
        return Example.newBuilder()
                .setTenant("t")
                .setUser(user)
                .setExampleId(id)
                .setKind(kind)
                .build();
    }
}
