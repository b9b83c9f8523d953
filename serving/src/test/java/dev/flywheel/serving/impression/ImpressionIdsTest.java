package dev.flywheel.serving.impression;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ImpressionIdsTest {

    @Test
    void idsSortByTime() {
        SplittableRandom random = new SplittableRandom(1);
        String earlier = new ImpressionIds(() -> Instant.ofEpochMilli(1_700_000_000_000L), random)
                .next();
        String later = new ImpressionIds(() -> Instant.ofEpochMilli(1_700_000_000_001L), random)
                .next();
        assertThat(earlier).isLessThan(later).matches("[0-9a-hjkmnp-tv-z]{26}");
    }

    @Test
    void theTimePartIsTheUlidLayout() {
        // 1469918176385 ms is the example of the ULID specification: 01ARYZ6S41.
        String id = new ImpressionIds(() -> Instant.ofEpochMilli(1469918176385L),
                new SplittableRandom(1)).next();
        assertThat(id).startsWith("01aryz6s41");
    }

    @Test
    void idsOfOneMillisecondDiffer() {
        ImpressionIds ids =
                new ImpressionIds(() -> Instant.ofEpochMilli(5), new SplittableRandom(1));
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 10_000; i++) {
            assertThat(seen.add(ids.next())).isTrue();
        }
    }

    @Test
    void theSeedFollowsFromTheIdAlone() {
        assertThat(ImpressionIds.seedOf("abc")).isEqualTo(0xba7816bf8f01cfeaL);
    }
}
