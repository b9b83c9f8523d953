package dev.flywheel.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LoopLatencyTest {
    private static final long SECOND = 1_000_000_000L;

    private final LoopLatency latency = new LoopLatency();

    @Test
    void anAnswerOfALaterVersionCountsForEverythingBeforeIt() {
        latency.acknowledged("a", 0);
        latency.learned("a", 3);
        latency.answered(2, SECOND);
        assertThat(latency.count()).isZero();

        latency.answered(4, 2 * SECOND);

        assertThat(LoopLatency.of(latency).quantileSeconds(0.5)).isEqualTo(2.0);
    }

    @Test
    void theEarliestAnswerCountsThoughItsLineageBecameKnownLater() {
        latency.acknowledged("a", 0);
        latency.answered(3, SECOND);
        latency.answered(4, 2 * SECOND);

        latency.learned("a", 3);

        assertThat(LoopLatency.of(latency).quantileSeconds(0.99)).isEqualTo(1.0);
    }

    @Test
    void anEventCountsOnce() {
        latency.acknowledged("a", 0);
        latency.answered(1, SECOND);
        latency.learned("a", 1);
        latency.answered(2, 5 * SECOND);

        assertThat(latency.count()).isEqualTo(1);
    }

    @Test
    void theEventsOfAllAdaptersAreMeasuredTogether() {
        LoopLatency corrections = new LoopLatency();
        measure(latency, "click-1", SECOND);
        measure(latency, "click-2", 2 * SECOND);
        measure(corrections, "correction-1", 9 * SECOND);

        LoopLatency.Measured all = LoopLatency.of(latency, corrections);

        assertThat(all.count()).isEqualTo(3);
        assertThat(all.quantileSeconds(0.5)).isEqualTo(2.0);
        assertThat(all.quantileSeconds(0.99)).isEqualTo(9.0);
        assertThat(LoopLatency.of().quantileSeconds(0.5)).isNaN();
    }

    private static void measure(LoopLatency latency, String id, long nanos) {
        latency.acknowledged(id, 0);
        latency.learned(id, 1 + latency.count());
        latency.answered(1 + latency.count(), nanos);
    }
}
