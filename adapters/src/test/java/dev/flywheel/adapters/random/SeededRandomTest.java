package dev.flywheel.adapters.random;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SeededRandomTest {
    @Test
    void givesTheBitsOfThePublishedAlgorithm() {
        // The reference implementation of SplitMix64 gives these for seed 1234567.
        SeededRandom random = new SeededRandom(1234567);
        assertThat(random.nextLong()).isEqualTo(6457827717110365317L);
        assertThat(random.nextLong()).isEqualTo(3203168211198807973L);
        SeededRandom ours = new SeededRandom(42);
        SplittableRandom platform = new SplittableRandom(42);
        assertThat(ours.nextLong()).isEqualTo(platform.nextLong());
    }

    @Test
    void splittingLeavesTheParentUntouched() {
        SeededRandom parent = new SeededRandom(5);
        long first = parent.split("a").nextLong();
        parent.split("b").nextLong();
        assertThat(parent.split("a").nextLong()).isEqualTo(first);
        assertThat(parent.split("b").nextLong()).isNotEqualTo(first);
    }

    @Test
    void doublesFillTheUnitInterval() {
        SeededRandom random = new SeededRandom(9);
        double sum = 0;
        for (int i = 0; i < 10_000; i++) {
            double value = random.nextDouble();
            assertThat(value).isBetween(0.0, 1.0);
            sum += value;
        }
        assertThat(sum / 10_000).isBetween(0.48, 0.52);
    }
}
