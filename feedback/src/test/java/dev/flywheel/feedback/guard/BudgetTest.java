package dev.flywheel.feedback.guard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.GuardState;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Preference;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.Thumb;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BudgetTest {
    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final long MINUTE = 60_000;
    private static final GuardProfile HOURLY = new GuardProfile("hourly", 0, Duration.ofMinutes(1),
            0, false, GuardProfile.DEFAULT.budgets(), GuardProfile.Crowd.ANY);

    private final UserCap cap = new UserCap(Duration.ofDays(7));

    @Test
    void eachClassOfSignalHasItsOwnBudgetOfAnHour() {
        Run run = new Run(HOURLY);
        assertThat(run.admitted(SignalClass.CORRECTIONS, atOnce(50))).isEqualTo(10);
        assertThat(run.admitted(SignalClass.THUMBS, atOnce(50))).isEqualTo(30);
        assertThat(run.admitted(SignalClass.CLICKS, atOnce(700))).isEqualTo(600);
        assertThat(run.admitted(SignalClass.SILENCE, atOnce(700))).as("nobody said anything")
                .isEqualTo(700);
    }

    @Test
    void aBudgetRefillsEvenly() {
        Run run = new Run(HOURLY);
        run.admitted(SignalClass.CORRECTIONS, atOnce(10));
        assertThat(run.admitted(SignalClass.CORRECTIONS, at(START + 6 * MINUTE - 1, 2))).isZero();
        assertThat(run.admitted(SignalClass.CORRECTIONS, at(START + 12 * MINUTE, 5))).isEqualTo(2);
        assertThat(run.admitted(SignalClass.CORRECTIONS, at(START + 500 * MINUTE, 50)))
                .as("and never holds more than an hour's")
                .isEqualTo(10);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void noOrderOfArrivalAdmitsMoreThanTheBudgetAndItsRefill(long seed) {
        Random random = new Random(seed);
        List<Long> times = new ArrayList<>(LongStream.range(0, 400)
                .map(i -> START + random.nextLong(3 * 60 * MINUTE))
                .boxed()
                .toList());
        long most = 30 + 30L * 3;
        for (int order = 0; order < 5; order++) {
            java.util.Collections.shuffle(times, random);
            assertThat(new Run(HOURLY).admitted(SignalClass.THUMBS, times))
                    .as("seed %d, order %d", seed, order)
                    .isBetween(30, (int) most);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void ofAWindowAsManyPassInWhateverOrderTheyArrive(long seed) {
        Random random = new Random(seed);
        List<Long> times = new ArrayList<>(LongStream.range(0, 100)
                .map(i -> START + random.nextLong(3 * MINUTE))
                .boxed()
                .toList());
        long expected = times.stream()
                .map(time -> time / MINUTE)
                .distinct()
                .mapToLong(window -> Math.min(8,
                        times.stream().filter(time -> time / MINUTE == window).count()))
                .sum();
        for (int order = 0; order < 10; order++) {
            java.util.Collections.shuffle(times, random);
            Run run = new Run(GuardProfile.DEFAULT);
            run.nowMillis = START + MINUTE + MINUTE / 2;
            assertThat(run.admitted(SignalClass.CLICKS, times)).as("seed %d, order %d", seed, order)
                    .isEqualTo((int) expected);
        }
    }

    @Test
    void theFirstTimeAUserWasSeenDoesNotDependOnTheOrderEither() {
        Run run = new Run(GuardProfile.DEFAULT);
        run.admitted(SignalClass.CLICKS, List.of(START + 20_000, START + 5_000, START + 50_000));
        assertThat(run.state.getFirstSeenMillis()).isEqualTo(START + 5_000);
        assertThat(cap.forgottenAt(run.state))
                .isEqualTo(START + 50_000 + Duration.ofDays(7).toMillis());
    }

    @Test
    void aRefusalNamesProfileAndBudget() {
        GuardState state = GuardState.getDefaultInstance();
        UserCap.Decision decision = cap.admit(HOURLY, state, SignalClass.CORRECTIONS, START, START);
        for (int i = 0; i < 10; i++) {
            decision = cap.admit(HOURLY, decision.state(), SignalClass.CORRECTIONS, START, START);
        }
        assertThat(decision.objection())
                .hasValue("profile hourly allows 10 corrections of one user in an hour");
    }

    @Test
    void signalsShareTheBudgetOfTheirClass() {
        assertThat(classOf(Signal.newBuilder().setClick(Click.getDefaultInstance())))
                .isEqualTo(SignalClass.CLICKS);
        assertThat(classOf(Signal.newBuilder().setReward(Reward.getDefaultInstance())))
                .isEqualTo(SignalClass.CLICKS);
        assertThat(classOf(Signal.newBuilder().setThumb(Thumb.getDefaultInstance())))
                .isEqualTo(SignalClass.THUMBS);
        assertThat(classOf(Signal.newBuilder().setPreference(Preference.getDefaultInstance())))
                .isEqualTo(SignalClass.THUMBS);
        assertThat(classOf(Signal.newBuilder().setCorrection(Correction.getDefaultInstance())))
                .isEqualTo(SignalClass.CORRECTIONS);
        assertThat(SignalClass.of(LabelledExample.getDefaultInstance()))
                .isEqualTo(SignalClass.SILENCE);
    }

    @Test
    void anAdaptersOwnCapsGoOverTheProfileOfItsTenantFieldByField() {
        GuardProfiles profiles = new GuardProfiles(GuardProfile.DEFAULT,
                Map.of("acme", GuardProfile.TRUSTED_STREAM));
        GuardSettings own = GuardSettings.newBuilder()
                .setThumbsPerHourMax(5)
                .setRoundShareMax(0)
                .setNewcomerMillis(250)
                .build();
        GuardProfile others = profiles.of(LoopItem.newBuilder()
                .setTenant("b")
                .setGuard(own)
                .build());
        assertThat(others.budgets()).isEqualTo(new GuardProfile.Budgets(600, 5, 10));
        assertThat(others.roundShareMax()).isZero();
        assertThat(others.examplesPerUserMax()).isEqualTo(8);
        assertThat(others.crowd()).isEqualTo(
                new GuardProfile.Crowd(600, 0.02, Duration.ofMillis(250)));
        assertThat(profiles.of("acme", GuardSettings.getDefaultInstance()))
                .isEqualTo(GuardProfile.TRUSTED_STREAM);
        assertThat(profiles.of("acme", own).budgets().thumbsMax()).isEqualTo(5);
    }

    @Test
    void capsThatNoNodeCouldHaveWrittenStopNothing() {
        GuardSettings own = GuardSettings.newBuilder()
                .setExamplesPerUserMax(-1)
                .setWindowMillis(-5)
                .setRoundShareMax(Double.NaN)
                .setNewcomerShareMax(7)
                .setNewcomerMillis(Long.MAX_VALUE)
                .build();
        GuardProfile capped = GuardProfile.DEFAULT.with(own);
        assertThat(capped.examplesPerUserMax()).isEqualTo(Integer.MAX_VALUE);
        assertThat(UserCap.max(capped, true)).isPositive();
        assertThat(capped.with(GuardSettings.newBuilder().setExamplesPerUserMax(8).build()))
                .isEqualTo(GuardProfile.DEFAULT);
    }

    private static SignalClass classOf(Signal.Builder signal) {
        LabelledExample.Builder example = LabelledExample.newBuilder();
        example.getFeedbackBuilder().getEventBuilder().setSignal(signal);
        return SignalClass.of(example.build());
    }

    private static List<Long> atOnce(int times) {
        return at(START, times);
    }

    private static List<Long> at(long millis, int times) {
        return LongStream.range(0, times).map(i -> millis).boxed().toList();
    }

    /** One user's examples one after another. */
    private final class Run {
        private final GuardProfile profile;
        private GuardState state = GuardState.getDefaultInstance();
        private long nowMillis = Long.MIN_VALUE;

        Run(GuardProfile profile) {
            this.profile = profile;
        }

        int admitted(SignalClass signal, List<Long> times) {
            int admitted = 0;
            for (long time : times) {
                UserCap.Decision decision = cap.admit(profile, state, signal, time, nowMillis);
                state = decision.state();
                admitted += decision.admitted() ? 1 : 0;
            }
            return admitted;
        }
    }
}
