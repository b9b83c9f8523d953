package dev.flywheel.feedback.guard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.AimUse;
import dev.flywheel.api.v1.CrowdShare;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Newcomers among those who have been there for longer, by the examples an adapter has in an hour. */
class CrowdCapTest {
    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final long DAY = Duration.ofDays(1).toMillis();

    /** One adapter's stream of examples, each about one of many items. */
    private static final class Stream {
        final SplittableRandom random;
        final CrowdCap cap;
        final Map<Integer, AimUse> aims = new HashMap<>();
        CrowdShare all = CrowdShare.getDefaultInstance();
        long now = START;
        int newcomers;
        int others;
        int passed;

        Stream(double shareMax, long seed) {
            this.random = new SplittableRandom(seed);
            this.cap = new CrowdCap(new GuardProfile("tried", 0, Duration.ofMinutes(1), 0, false,
                    GuardProfile.Budgets.NONE,
                    new GuardProfile.Crowd(0, shareMax, Duration.ofHours(1))));
            // All were new once.
            flow(2 * HOUR, 60, 1);
        }

        /** Goes on for a while; counts from here. */
        Stream flow(long millis, double perHour, double newcomersShare) {
            newcomers = 0;
            others = 0;
            passed = 0;
            long end = now + millis;
            while (true) {
                now += 1 + Math.round(-Math.log(1 - random.nextDouble()) * HOUR / perHour);
                if (now >= end) {
                    now = end;
                    return this;
                }
                offer(random.nextDouble() < newcomersShare);
            }
        }

        private void offer(boolean newcomer) {
            int item = random.nextInt(48);
            CrowdCap.Decision decision =
                    cap.admit(all, aims.getOrDefault(item, AimUse.getDefaultInstance()),
                            newcomer ? now : now - DAY, now, now);
            newcomers += newcomer ? 1 : 0;
            others += newcomer ? 0 : 1;
            if (decision.admitted()) {
                passed += newcomer ? 1 : 0;
                all = decision.all();
                aims.put(item, decision.aim());
            }
        }

        double passedShare() {
            return (double) passed / newcomers;
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void aRingThatSpreadsOverManyItemsGetsTheShareThatTheOthersEarnItAndNoMore(long seed) {
        Stream stream = new Stream(0.02, seed);
        stream.flow(DAY, 60, 0).flow(HOUR / 3, 1_200, 0.5);
        assertThat(stream.newcomers).isGreaterThan(150);
        assertThat(stream.passed).isBetween(1, 2 + (int) (0.02 * stream.others));
    }

    @ParameterizedTest(name = "seed {0}, {1} examples an hour, {2} of newcomers, {3} of whose pass")
    @CsvSource({"1, 60, 0.1, 0.4", "2, 60, 0.1, 0.4", "3, 60, 0.3, 0.5", "4, 600, 0.1, 0.5",
        "5, 600, 0.3, 0.8", "6, 6, 0.1, 0.25", "7, 3600, 0.1, 0.85"})
    void newcomersWhoAreUsualAreHeldBackTheLessTheMoreExamplesThereAre(long seed, double perHour,
            double share, double least) {
        Stream stream = new Stream(0.02, seed).flow(DAY, perHour, share)
                .flow(10 * DAY, perHour, share);
        assertThat(stream.passedShare()).isGreaterThan(least);
    }

    @ParameterizedTest(name = "seed {0}, {1} examples an hour, {2} of newcomers, {3} of whose pass")
    @CsvSource({"1, 60, 0.1, 0.4", "2, 600, 0.1, 0.5", "3, 600, 0.3, 0.8"})
    void whereNoneWereUsualForDaysNewcomersBecomeSo(long seed, double perHour, double share,
            double least) {
        Stream stream = new Stream(0.02, seed).flow(4 * DAY, perHour, 0)
                .flow(2 * DAY, perHour, share)
                .flow(10 * DAY, perHour, share);
        assertThat(stream.passedShare()).isGreaterThan(least);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void nightsLeaveNewcomersAsUsualAsTheyWere(long seed) {
        Stream stream = new Stream(0.02, seed);
        int newcomers = 0;
        int passed = 0;
        for (int day = 0; day < 20; day++) {
            stream.now += DAY / 2;
            stream.flow(DAY / 2, 60, 0.1);
            newcomers += stream.newcomers;
            passed += stream.passed;
        }
        assertThat((double) passed / newcomers).isGreaterThan(0.4);
    }

    @ParameterizedTest(name = "where {0} is allowed {1} to {2} of a flood pass")
    @CsvSource({"0, 1, 1", "0.03, 0.02, 0.06", "0.5, 0.7, 1", "1, 1, 1"})
    void aFloodGetsWhatTheProfileLeavesIt(double shareMax, double least, double most) {
        Stream stream =
                new Stream(shareMax, 1).flow(2 * DAY, 600, 0).flow(HOUR / 2, 1_200, 0.5);
        assertThat(stream.passedShare()).isBetween(least, most);
    }

    /** An adapter that newcomers do not usually want: what a few examples of others earn is less than a whole place. */
    @Test
    void theFirstOfTheNewcomersNeedsNobodyToHaveEarnedItsPlace() {
        CrowdCap cap = new CrowdCap(new GuardProfile("tried", 0, Duration.ofMinutes(1), 0, false,
                GuardProfile.Budgets.NONE,
                new GuardProfile.Crowd(0, 0.02, Duration.ofHours(1))));
        CrowdShare all = CrowdShare.getDefaultInstance();
        long now = START;
        for (int hour = 0; hour < 10; hour++) {
            now += HOUR;
            all = cap.admit(all, null, now - DAY, now, now).all();
        }
        CrowdCap.Decision first = cap.admit(all, null, now, now, now);
        assertThat(first.admitted()).isTrue();
        assertThat(cap.admit(first.all(), null, now, now, now).admitted()).isFalse();
    }
}
