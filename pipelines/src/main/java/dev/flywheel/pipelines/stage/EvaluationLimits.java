package dev.flywheel.pipelines.stage;

import java.io.Serializable;
import java.time.Duration;

/**
 * How evaluation counts, for each adapter.
 *
 * @param window length of the windows, event time
 * @param cellsMax figures of one version in one window that are kept; the oldest are final when they go
 * @param impressionsMax answers whose labels are known, so that a later one takes the place of an earlier; the oldest goes
 */
public record EvaluationLimits(Duration window, int cellsMax, int impressionsMax)
        implements
            Serializable {
    /** Ten-second windows, for about half an hour at six versions a second. */
    public static final EvaluationLimits DEFAULT =
            new EvaluationLimits(Duration.ofSeconds(10), 5_000, 20_000);

    public EvaluationLimits {
        if (window.isNegative() || window.isZero()) {
            throw new IllegalArgumentException(
                    "evaluation window is " + window + ", it must be above zero");
        }
        if (cellsMax < 1 || impressionsMax < 1) {
            throw new IllegalArgumentException(
                    "evaluation cells are %d and impressions %d, each must be at least 1"
                            .formatted(cellsMax, impressionsMax));
        }
    }
}
