package dev.flywheel.feedback.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.DelayState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DelaysTest {
    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final long OBSERVED = 30_000;
    /** 60 % are taken in time, the others with an exponential tail. */
    private static final double MEAN = OBSERVED / -Math.log(0.4);

    /** One item that is taken, and when that is known. */
    private record Taken(long servedAt, long delay) {
        long knownAt() {
            return servedAt + delay;
        }
    }

    @ParameterizedTest(name = "seed {0}, traffic doubles every {1} s, after {2} s")
    @CsvSource({"1, 1000000, 3600", "2, 1000000, 300", "3, 60, 300", "4, 60, 600", "5, 120, 900"})
    void theShareIsRightThoughLateOnesAreSeenLater(long seed, double doublingSeconds,
            long seconds) {
        List<Taken> all = traffic(seed, doublingSeconds, seconds * 1_000, 20_000);
        DelayState state = DelayState.getDefaultInstance();
        long now = START + seconds * 1_000;
        long late = 0;
        long known = 0;
        for (Taken each : all) {
            if (each.knownAt() <= now) {
                known++;
                late += each.delay >= OBSERVED ? 1 : 0;
                state = Delays.add(state, each.servedAt, each.delay, each.delay >= OBSERVED);
            }
        }
        double plain = (double) late / known;
        double estimate = Delays.lateShare(state, now).orElseThrow();
        assertThat(estimate).as("seed %d", seed).isCloseTo(0.4, within(0.03));
        if (doublingSeconds < 1_000) {
            assertThat(plain).as("the plain share, seed %d", seed).isLessThan(0.34);
        }
    }

    private static List<Taken> traffic(long seed, double doublingSeconds, long millis, int count) {
        Random random = new Random(seed);
        double growth = Math.log(2) / (doublingSeconds * 1_000);
        List<Taken> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            // Inverse of the distribution with density that grows exponentially over the time.
            double u = random.nextDouble();
            double at = Math.log1p(u * Math.expm1(growth * millis)) / growth;
            all.add(new Taken(START + (long) at,
                    (long) (-MEAN * Math.log(1 - random.nextDouble()))));
        }
        all.sort(Comparator.comparingLong(Taken::knownAt));
        return all;
    }

    @Test
    void tooFewTellNothing() {
        DelayState state = DelayState.getDefaultInstance();
        for (int i = 0; i < Delays.TAKEN_MIN; i++) {
            assertThat(Delays.lateShare(state, START + Duration.ofDays(1).toMillis())).isEmpty();
            state = Delays.add(state, START + i * 100, 50_000, i % 2 == 0);
        }
        assertThat(Delays.lateShare(state, START + Duration.ofDays(1).toMillis()))
                .hasValueCloseTo(0.5, within(1e-9));
        assertThat(Delays.lateShare(state, START)).as("none is old enough").isEmpty();
    }

    @Test
    void whatIsRememberedIsBoundedAndCoversLongDelays() {
        DelayState state = DelayState.getDefaultInstance();
        for (int i = 0; i < 20_000; i++) {
            state = Delays.add(state, START + i * 60_000L, i % 3 == 0 ? 86_400_000 : 10,
                    i % 3 == 0);
            assertThat(state.getCohortsCount()).isLessThanOrEqualTo(Delays.COHORTS_MAX);
        }
        assertThat(state.getCohortMillis() * Delays.COHORTS_MAX)
                .isGreaterThanOrEqualTo(4 * 86_400_000L);
        assertThat(Delays.lateShare(state, START + 20_000 * 60_000L))
                .hasValueCloseTo(1 / 3.0, within(0.01));
    }

    @Test
    void anOldHabitIsForgotten() {
        DelayState state = DelayState.getDefaultInstance();
        for (int i = 0; i < 20_000; i++) {
            state = Delays.add(state, START + i * 1_000L, i < 10_000 ? 40_000 : 5, i < 10_000);
        }
        assertThat(Delays.lateShare(state, START + 20_000 * 1_000L)).hasValue(0);
    }
}
