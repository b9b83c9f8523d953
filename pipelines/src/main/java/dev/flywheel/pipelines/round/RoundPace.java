package dev.flywheel.pipelines.round;

import java.io.Serializable;
import java.time.Duration;

/**
 * How rounds follow one another.
 *
 * @param linger how long a round waits for company when nothing is in flight
 * @param trainTimeout how long one try of a round may take; then it is asked for again, which joins it
 * @param backoffMin first wait before a failed call is repeated; it doubles each time
 * @param backoffMax longest such wait
 * @param attemptsMax times a round is tried that fails for no passing reason or takes too long, before its examples are
 *     quarantined
 * @param repairsEvery how often the store is asked for repairs
 * @param forgetsAfter how long after the first feedback was withdrawn that had been trained on it is forgotten, with all others
 * @param bufferedExamplesMax examples that may wait in one driver; beyond it reading from Kafka slows down
 */
public record RoundPace(
        Duration linger,
        Duration trainTimeout,
        Duration backoffMin,
        Duration backoffMax,
        int attemptsMax,
        Duration repairsEvery,
        Duration forgetsAfter,
        int bufferedExamplesMax)
        implements
            Serializable {

    public RoundPace {
        if (linger.isNegative()) {
            throw new IllegalArgumentException(
                    "round linger is " + linger + ", it must not be below zero");
        }
        positive("train timeout", trainTimeout);
        positive("backoff", backoffMin);
        positive("longest backoff", backoffMax);
        positive("time between looks for repairs", repairsEvery);
        positive("time until withdrawn feedback is forgotten", forgetsAfter);
        if (attemptsMax < 1 || bufferedExamplesMax < 1) {
            throw new IllegalArgumentException(
                    "attempts are %d and buffered examples %d, each must be at least 1"
                            .formatted(attemptsMax, bufferedExamplesMax));
        }
    }

    /** Returns a pace with back-offs of 50 ms to 2 s, five attempts, and repairs looked for every second. */
    public static RoundPace of(Duration linger, Duration trainTimeout, int bufferedExamplesMax) {
        return new RoundPace(linger, trainTimeout, Duration.ofMillis(50), Duration.ofSeconds(2), 5,
                Duration.ofSeconds(1), Duration.ofMinutes(10), bufferedExamplesMax);
    }

    /** Returns how long to wait after so many failures in a row, from 1. */
    Duration backoff(int failures) {
        Duration wait = backoffMin.multipliedBy(1L << Math.min(failures - 1, 20));
        return wait.compareTo(backoffMax) < 0 ? wait : backoffMax;
    }

    private static void positive(String what, Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException(
                    what + " is " + duration + ", it must be above zero");
        }
    }
}
