package dev.flywheel.serving.impression;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OpenTimesTest {
    private static final long SEED = 7;

    private final OpenTimes times = new OpenTimes();

    @Test
    void theOldestIsThatOfWhatHasNotEnded() {
        assertThat(times.oldest()).isEmpty();
        times.begin(30);
        times.begin(10);
        times.begin(10);
        assertThat(times.oldest()).hasValue(10);
        times.end(10);
        assertThat(times.oldest()).hasValue(10);
        times.end(10);
        assertThat(times.oldest()).hasValue(30);
        times.end(30);
        assertThat(times.oldest()).isEmpty();
    }

    /** More different times than are counted apart, ended in any order while others begin. */
    @Test
    void theOldestIsNeverSaidToBeLaterThanItIsHoweverManyThereAre() {
        Random random = new Random(SEED);
        List<Long> open = new ArrayList<>();
        for (long at = 0; at < 5L * OpenTimes.TIMES_MAX; at++) {
            times.begin(at);
            open.add(at);
        }
        while (!open.isEmpty()) {
            Collections.swap(open, random.nextInt(open.size()), open.size() - 1);
            times.end(open.removeLast());
            if (open.size() > 1_000 && random.nextInt(4) == 0) {
                long again = random.nextLong(5L * OpenTimes.TIMES_MAX);
                times.begin(again);
                open.add(again);
            }
            if (open.size() % 512 == 0 && !open.isEmpty()) {
                assertThat(times.oldest().orElseThrow()).as("seed " + SEED)
                        .isLessThanOrEqualTo(Collections.min(open));
            }
        }
        assertThat(times.oldest()).isEmpty();
    }
}
