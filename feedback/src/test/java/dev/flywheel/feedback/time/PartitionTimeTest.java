package dev.flywheel.feedback.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Records may be 100 ms out of order; a node may be 1,000 ms behind; three nodes are told apart. */
class PartitionTimeTest {
    private final PartitionTime time =
            new PartitionTime(Duration.ofMillis(100), Duration.ofMillis(1_000), 3);

    private void beat(String node, long millis) {
        time.beat(node, millis, false);
    }

    @Test
    void thereIsNoTimeBeforeTheFirstRecord() {
        assertThat(time.reached()).isEqualTo(PartitionTime.NONE);
    }

    @Test
    void timeIsThatOfTheSlowestNode() {
        beat("a", 5_000);
        beat("b", 4_500);
        assertThat(time.reached()).isEqualTo(4_399);
        beat("b", 5_200);
        assertThat(time.reached()).isEqualTo(4_899);
    }

    @Test
    void anAnswerTellsHowFarItsNodeHasGot() {
        beat("a", 5_000);
        beat("b", 4_500);
        time.answer("b", 4_900);
        assertThat(time.reached()).isEqualTo(4_799);
    }

    @Test
    void whatProducersWriteDoesNotMoveTimeBeyondTheNodes() {
        beat("a", 5_000);
        time.event(9_000);
        time.answer("a producer's own", 9_000);
        assertThat(time.reached()).isEqualTo(4_899);
    }

    @Test
    void whereNothingBeatsAnyMoreTimeStandsStill() {
        beat("a", 5_000);
        beat("b", 4_500);
        for (int i = 0; i < 100; i++) {
            time.event(5_000 + 1_000 * i);
        }
        assertThat(time.reached())
                .as("a stalled broker, or no node left: nobody could say anything")
                .isEqualTo(4_399);
    }

    @Test
    void timeGoesOnWithoutANodeWhoseLeaseIsOver() {
        beat("a", 5_000);
        beat("b", 5_000);
        beat("a", 6_000);
        assertThat(time.reached()).isEqualTo(4_899);
        beat("a", 6_001);
        assertThat(time.reached()).isEqualTo(5_900);
    }

    @Test
    void aNodeThatComesBackDoesNotMoveTimeBackAndIsWaitedForAgain() {
        beat("a", 5_000);
        beat("b", 5_000);
        beat("a", 7_000);
        assertThat(time.reached()).isEqualTo(6_899);
        beat("b", 6_500);
        assertThat(time.reached()).isEqualTo(6_899);
        beat("a", 7_400);
        assertThat(time.reached()).as("b is live again, and behind").isEqualTo(6_899);
        beat("b", 7_300);
        assertThat(time.reached()).isEqualTo(7_199);
    }

    @Test
    void aNodeThatSaysItsLastIsNotWaitedFor() {
        beat("a", 5_000);
        beat("b", 5_000);
        time.beat("b", 5_010, true);
        beat("a", 5_500);
        assertThat(time.reached()).isEqualTo(5_399);
    }

    @Test
    void whereNoNodeHasEverBeatenTimeFollowsTheNewestEvent() {
        time.event(5_000);
        time.event(4_000);
        assertThat(time.reached()).isEqualTo(4_899);
        beat("a", 4_500);
        assertThat(time.reached()).as("not back").isEqualTo(4_899);
        time.event(9_000);
        assertThat(time.reached()).isEqualTo(4_899);
    }

    @Test
    void whereAllNodesHaveStoppedInOrderTimeStandsStillUntilOneBeats() {
        beat("a", 5_000);
        time.event(9_000);
        time.beat("a", 6_000, true);
        assertThat(time.reached()).isEqualTo(5_899);
        time.event(20_000);
        assertThat(time.reached()).isEqualTo(5_899);
        beat("b", 7_000);
        assertThat(time.reached()).isEqualTo(6_899);
    }

    @Test
    void ofTooManyNodesTheOneFurthestBehindIsForgotten() {
        beat("a", 5_000);
        beat("b", 5_100);
        beat("c", 5_200);
        assertThat(time.reached()).isEqualTo(4_899);
        beat("d", 5_300);
        assertThat(time.reached()).isEqualTo(4_999);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void timeNeverGoesBackAndNeverOvertakesALiveNode(long seed) {
        Random random = new Random(seed);
        for (int run = 0; run < 300; run++) {
            PartitionTime one =
                    new PartitionTime(Duration.ofMillis(100), Duration.ofMillis(1_000), 3);
            long[] newest = {PartitionTime.NONE, PartitionTime.NONE, PartitionTime.NONE};
            long newestBeat = PartitionTime.NONE;
            long before = PartitionTime.NONE;
            for (int i = 0; i < 100; i++) {
                int node = random.nextInt(3);
                long at = 10_000 + 40L * i + random.nextInt(200);
                if (random.nextInt(4) == 0) {
                    one.event(at + random.nextInt(100_000));
                } else {
                    one.beat("node-" + node, at, false);
                    newest[node] = Math.max(newest[node], at);
                    newestBeat = Math.max(newestBeat, at);
                }
                long now = one.reached();
                String which = "seed %d, run %d, record %d".formatted(seed, run, i);
                assertThat(now).as(which).isGreaterThanOrEqualTo(before);
                if (now > before && newestBeat != PartitionTime.NONE) {
                    for (long live : newest) {
                        if (live != PartitionTime.NONE && live >= newestBeat - 1_000) {
                            assertThat(now).as(which).isLessThan(live);
                        }
                    }
                }
                before = now;
            }
        }
    }
}
