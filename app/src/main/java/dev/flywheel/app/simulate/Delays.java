package dev.flywheel.app.simulate;

import java.time.Duration;
import java.util.SplittableRandom;

/**
 * How long after an answer its feedback comes: a share of it evenly within a window, the rest after it with an exponential
 * tail. Pure.
 *
 * @param windowShare share that comes within the window, 0 to 1
 * @param window how long that is
 * @param tailMean mean time by which the rest comes later than the window
 */
record Delays(double windowShare, Duration window, Duration tailMean) {
    Delays {
        if (!(windowShare >= 0 && windowShare <= 1)) {
            throw new IllegalArgumentException(
                    "share within the window is " + windowShare + ", allowed is 0 to 1");
        }
    }

    /**
     * Returns the delay that has a given rank among all.
     *
     * @param rank evenly distributed within [0, 1)
     */
    Duration at(double rank) {
        if (rank < windowShare) {
            return Duration.ofMillis((long) (rank / windowShare * window.toMillis()));
        }
        double left = (1 - rank) / (1 - windowShare);
        return window.plusMillis(1 + (long) (-Math.log(left) * tailMean.toMillis()));
    }

    Duration draw(SplittableRandom random) {
        return at(random.nextDouble());
    }
}
