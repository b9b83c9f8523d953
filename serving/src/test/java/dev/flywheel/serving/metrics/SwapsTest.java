package dev.flywheel.serving.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SwapsTest {

    @Test
    void percentilesAreOfTheFlips() {
        Swaps swaps = new Swaps();
        for (int i = 1; i <= 1000; i++) {
            swaps.flipped(i * 1_000_000L);
            swaps.publishedAfter(i);
        }
        Swaps.Figures figures = swaps.figures();
        assertThat(figures.count()).isEqualTo(1000);
        assertThat(figures.flipMillisP50()).isEqualTo(500);
        assertThat(figures.flipMillisP99()).isEqualTo(990);
        assertThat(figures.flipMillisMax()).isEqualTo(1000);
        assertThat(figures.publishMillisP50()).isEqualTo(500);
    }

    @Test
    void beforeTheFirstSwapAllIsZero() {
        assertThat(new Swaps().figures()).isEqualTo(new Swaps.Figures(0, 0, 0, 0, 0, 0));
    }
}
