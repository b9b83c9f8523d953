package dev.flywheel.pipelines;

import java.time.Duration;

/**
 * When checkpoints are taken and given up. They cost no latency and no exactness, only replay after a crash.
 *
 * @param interval between two
 * @param timeout after which one is given up that does not complete. Flink keeps its source alignment back while one is under
 *     way, so that one which waits for a lost message of a task that has died holds up all reading that long
 */
public record CheckpointTimes(Duration interval, Duration timeout) {
    public CheckpointTimes {
        if (interval.toMillis() <= 0 || timeout.toMillis() <= 0) {
            throw new IllegalArgumentException(
                    "checkpoints are taken every %s and given up after %s, both must be above zero"
                            .formatted(interval, timeout));
        }
    }
}
