package dev.flywheel.feedback.guard;

import static dev.flywheel.feedback.guard.SignalClass.CLICKS;
import static dev.flywheel.feedback.guard.SignalClass.CORRECTIONS;
import static dev.flywheel.feedback.guard.SignalClass.SILENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.GuardState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class CapsTest {
    private static final UserCap CAP = new UserCap(Duration.ofDays(7));

    @Test
    void theDefaultIsEightExamplesAMinuteAndSilenceHasItsOwnBudget() {
        GuardState state = admit(GuardState.getDefaultInstance(), false, 8, 8, 59_999);
        state = admit(state, false, 1, 0, 59_999);
        state = admit(state, true, 40, 32, 59_999);
        admit(state, false, 9, 8, 60_000);
    }

    @Test
    void aStateNeverRemembersMoreThanAFewWindows() {
        GuardState state = GuardState.getDefaultInstance();
        for (int i = 0; i < 100; i++) {
            state = CAP.admit(GuardProfile.DEFAULT, state, CLICKS, i * 60_000L, i * 60_000L)
                    .state();
        }
        assertThat(state.getWindowsCount()).isEqualTo(4);
    }

    @Test
    void anExampleCountsInTheWindowOfItsOwnTimeHoweverFarEventTimeHasGot() {
        GuardState state = GuardState.getDefaultInstance();
        // Eight of one minute, whose event time passes from that minute to the end of the next: all in one window.
        for (int i = 0; i < 8; i++) {
            UserCap.Decision decision = CAP.admit(GuardProfile.DEFAULT, state, CLICKS, 59_000,
                    59_000 + i * 7_500L);
            assertThat(decision.admitted()).isTrue();
            state = decision.state();
        }
        assertThat(CAP.admit(GuardProfile.DEFAULT, state, CLICKS, 59_999, 119_999)
                .admitted()).isFalse();
        admit(state, false, 9, 8, 60_000);
    }

    @Test
    void nobodyOpensWindowsOfTheirOwnByLyingAboutTheTime() {
        GuardState state = GuardState.getDefaultInstance();
        int admitted = 0;
        for (long at = -1_000_000; at <= 1_000_000; at += 1_000) {
            UserCap.Decision decision = CAP.admit(GuardProfile.DEFAULT, state, CLICKS, at, 30_000);
            admitted += decision.admitted() ? 1 : 0;
            state = decision.state();
        }
        assertThat(admitted).as("in the window of now, the one before and the one after")
                .isEqualTo(3 * 8);
    }

    @Test
    void aTrustedStreamHasNoCap() {
        GuardState state = GuardState.getDefaultInstance();
        for (int i = 0; i < 1_000; i++) {
            UserCap.Decision decision =
                    CAP.admit(GuardProfile.TRUSTED_STREAM, state, CORRECTIONS, 0, 0);
            assertThat(decision.admitted()).isTrue();
            state = decision.state();
        }
        assertThat(UserCap.remembers(GuardProfile.TRUSTED_STREAM)).isFalse();
    }

    @Test
    void noUserHasMoreThanTheirShareOfARound() {
        List<Example> waiting = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            waiting.add(example("loud", "l" + i));
        }
        for (int i = 0; i < 150; i++) {
            waiting.add(example("user" + i, "q" + i));
        }
        List<Example> round = pick(GuardProfile.DEFAULT, waiting, 200);
        assertThat(round).hasSizeGreaterThan(100);
        long loud = round.stream().filter(each -> each.getUser().equals("loud")).count();
        assertThat(loud).isPositive().isLessThanOrEqualTo(Math.max(1, round.size() * 2 / 100));
        assertThat(pick(GuardProfile.DEFAULT, waiting.subList(0, 500), 200)).as("at least one")
                .hasSize(1);
        assertThat(pick(GuardProfile.TRUSTED_STREAM, waiting.subList(0, 500), 200)).hasSize(200);
    }

    @Test
    void aRoundHoldsAnIdOnceAndTakesTheOldestFirst() {
        List<Example> waiting =
                List.of(example("a", "1"), example("b", "1"), example("c", "2"), example("d", "3"));
        assertThat(pick(GuardProfile.TRUSTED_STREAM, waiting, 2)).containsExactly(waiting.get(0),
                waiting.get(2));
        assertThat(pick(GuardProfile.TRUSTED_STREAM, List.of(), 2)).isEmpty();
    }

    @Test
    void profilesAreFoundByNameAndCheckThemselves() {
        assertThat(GuardProfile.named("trusted-stream")).isEqualTo(GuardProfile.TRUSTED_STREAM);
        assertThatThrownBy(() -> GuardProfile.named("none"))
                .hasMessageContaining("default and trusted-stream");
        assertThatThrownBy(() -> new GuardProfile("x", -1, Duration.ofSeconds(1), 0, false))
                .hasMessageContaining("-1");
        assertThatThrownBy(() -> new GuardProfile("x", 1, Duration.ZERO, 0, false))
                .hasMessageContaining("window");
        assertThatThrownBy(() -> new GuardProfile("x", 1, Duration.ofSeconds(1), Double.NaN, false))
                .hasMessageContaining("share");
    }

    private static GuardState admit(GuardState from, boolean silent, int times, int expected,
            long at) {
        GuardState state = from;
        int admitted = 0;
        for (int i = 0; i < times; i++) {
            UserCap.Decision decision = CAP.admit(GuardProfile.DEFAULT, state,
                    silent ? SILENCE : CLICKS, at, Long.MIN_VALUE);
            state = decision.state();
            admitted += decision.admitted() ? 1 : 0;
        }
        assertThat(admitted).isEqualTo(expected);
        return state;
    }

    private static List<Example> pick(GuardProfile profile, List<Example> waiting, int max) {
        return new RoundShare(profile)
                .pick(waiting, Function.identity(), max, new RecentRounds())
                .round();
    }

    private static Example example(String user, String id) {
        return Example.newBuilder().setTenant("t").setUser(user).setExampleId(id).build();
    }
}
