package dev.flywheel.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PopularityTest {
    private final Popularity popularity = new Popularity();

    @Test
    void itemsAreOrderedByClickRateAndUntriedOnesGetTheirChance() {
        for (int i = 0; i < 10; i++) {
            popularity.learn("often", i < 9);
            popularity.learn("seldom", i < 1);
        }

        assertThat(popularity.rank(List.of("seldom", "new", "often"))).containsExactly(2, 1, 0);
    }
}
