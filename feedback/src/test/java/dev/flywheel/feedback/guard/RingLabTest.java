package dev.flywheel.feedback.guard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.feedback.guard.RingLab.Readers;
import dev.flywheel.feedback.guard.RingLab.Tally;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The default caps against rings of new accounts, and against nobody. */
class RingLabTest {
    private static final long SEED = 20_260_801;
    private static final int HOUR = 60;
    private static final GuardProfile OPEN =
            new GuardProfile("open", 0, Duration.ofMinutes(1), 0, false);

    @ParameterizedTest(
            name = "{0} accounts, a target that {1} of its viewers like, {2} guests of 100 a minute")
    @CsvSource({"1, 0.03, 0", "10, 0.03, 0", "50, 0.03, 0", "90, 0.03, 0", "250, 0.03, 0",
        "1, 0.1, 0",
        "50, 0.1, 0", "250, 0.1, 0", "50, 0.05, 10", "250, 0.05, 10"})
    void aRingGainsAtMostAPointWithTheDefaultCapsAndTwentyWithout(int ring, double likes,
            int guests) {
        List<Readers> readers = List.of(new Readers("r", 150, 100 - guests, likes),
                new Readers("guest", 0, guests, likes));
        double without = gain(OPEN, readers, ring);
        double with = gain(GuardProfile.DEFAULT, readers, ring);
        System.out.printf("ring of %d: %.1f points without caps, %.2f with%n", ring, without, with);
        assertThat(without).as("points without caps").isGreaterThanOrEqualTo(20);
        assertThat(with).as("points with the default caps").isLessThanOrEqualTo(1);
    }

    /** Rise of the target's rate of clicks in what is trained on, in percentage points, in the ring's first half hour. */
    private static double gain(GuardProfile profile, List<Readers> readers, int ring) {
        return 100 * (attacked(profile, readers, ring).rate()
                - attacked(profile, readers, 0).rate());
    }

    private static Tally attacked(GuardProfile profile, List<Readers> readers, int ring) {
        RingLab lab = new RingLab(profile, SEED);
        lab.run(0, 8 * HOUR, readers, 0);
        return lab.run(8 * HOUR, HOUR / 2, readers, ring);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void anItemThatTheFirstUsersAloneChoseIsNoOpenDoor(long seed) {
        RingLab lab = new RingLab(GuardProfile.DEFAULT, seed);
        Tally first = lab.run(0, 1, List.of(new Readers("r", 150, 10, 1)), 0);
        assertThat(first.clicked).as("when all were new").isPositive();
        List<Readers> readers = List.of(new Readers("r", 150, 20, 0));
        lab.run(1, 8 * HOUR, readers, 0);
        Tally attacked = lab.run(8 * HOUR, HOUR / 2, readers, 50);
        assertThat(attacked.clicked).as("clicks of the ring that pass").isLessThanOrEqualTo(2);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void theFirstUsersOfAnAdapterAreNotHeldBack(long seed) {
        RingLab lab = new RingLab(GuardProfile.DEFAULT, seed);
        Tally tally = lab.run(0, HOUR, List.of(new Readers("r", 3_000, 1_200, 0.05)), 0);
        assertThat(tally.refused()).as("share refused").isZero();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void usersWhoNeverComeBackAreNotHeldBack(long seed) {
        RingLab lab = new RingLab(GuardProfile.DEFAULT, seed);
        Tally tally = lab.run(0, 8 * HOUR, List.of(new Readers("once", 0, 100, 0.05)), 0);
        assertThat(tally.refused()).as("share refused").isZero();
    }

    @ParameterizedTest(name = "seed {0}, {1} guests of 100 a minute")
    @CsvSource({"1, 10", "2, 10", "3, 30", "4, 30", "5, 60", "6, 2"})
    void aSteadyStreamOfNewUsersIsHardlyHeldBack(long seed, int guests) {
        RingLab lab = new RingLab(GuardProfile.DEFAULT, seed);
        List<Readers> readers = List.of(new Readers("r", 150, 100 - guests, 0.05),
                new Readers("guest", 0, guests, 0.05));
        Tally settling = lab.run(0, 6 * HOUR, readers, 0);
        Tally settled = lab.run(6 * HOUR, 6 * HOUR, readers, 0);
        assertThat(settling.refused()).as("share refused").isLessThan(0.03);
        assertThat(settled.refused()).as("share refused").isLessThan(0.04);
    }
}
