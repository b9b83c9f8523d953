package dev.flywheel.pipelines.stage;

import java.io.Serializable;
import java.time.Duration;

/**
 * How evaluation counts, and how much of it is remembered. Times are event time.
 *
 * @param window length of the windows
 * @param bytesMax bytes that one subtask remembers of all its adapters; where they are used up, the adapter with the most forgets
 *     its oldest
 * @param latest how far behind event time a label may be when it comes: so long a window's figures are kept at least
 * @param idle how long after its last label an adapter is forgotten
 */
public record EvaluationLimits(Duration window, long bytesMax, Duration latest, Duration idle)
        implements
            Serializable {
    public EvaluationLimits {
        if (window.isNegative() || window.isZero()) {
            throw new IllegalArgumentException(
                    "evaluation window is " + window + ", it must be above zero");
        }
        if (bytesMax < 1) {
            throw new IllegalArgumentException(
                    "evaluation bytes are " + bytesMax + ", at least 1 is needed");
        }
        if (latest.isNegative() || idle.isNegative()) {
            throw new IllegalArgumentException(
                    "evaluation waits %s for labels and %s for an adapter's next, neither may be below zero"
                            .formatted(latest, idle));
        }
    }
}
