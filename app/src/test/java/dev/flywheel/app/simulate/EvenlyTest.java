package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvenlyTest {
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3, 0.99})
    void anIntervalHoldsItsShareMuchCloserThanChanceWould(double start) {
        Evenly evenly = new Evenly(start);
        int below = 0;
        for (int i = 0; i < 1_000; i++) {
            double next = evenly.next();
            assertThat(next).isGreaterThanOrEqualTo(0).isLessThan(1);
            below += next < 0.2 ? 1 : 0;
        }

        assertThat(below).isCloseTo(200, within(3));
    }
}
