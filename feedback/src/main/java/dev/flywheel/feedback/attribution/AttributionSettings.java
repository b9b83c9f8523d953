package dev.flywheel.feedback.attribution;

import java.io.Serializable;
import java.time.Duration;

/**
 * How long feedback is waited for and what silence means. All windows are event time, half open: an event at the start
 * counts, one at the end does not.
 *
 * @param observationWindow a shown slate without an explicit signal for this long is weak evidence against what it showed
 * @param attributionWindow feedback later than this after the answer is refused as late; answers are remembered for as long
 * @param orphanTimeout feedback whose impression has not come within this time is refused as unmatched
 * @param negativeSamplingRate share of silent items that are kept, by hash; 0 keeps none
 * @param eventsPerImpressionMax events of one impression that are looked at; more are refused as capped
 * @param heldBytesPerImpressionMax bytes of events that wait for one impression, or for an event of it that they withdraw; what
 *     would exceed it is refused as capped
 * @param heldBytesMax the same for all impressions of one subtask
 */
public record AttributionSettings(
        Duration observationWindow,
        Duration attributionWindow,
        Duration orphanTimeout,
        double negativeSamplingRate,
        int eventsPerImpressionMax,
        long heldBytesPerImpressionMax,
        long heldBytesMax)
        implements
            Serializable {

    public AttributionSettings {
        positive("observation window", observationWindow);
        positive("attribution window", attributionWindow);
        positive("orphan timeout", orphanTimeout);
        if (attributionWindow.compareTo(observationWindow) < 0) {
            throw new IllegalArgumentException(
                    "attribution window is %s, it must not be shorter than the observation window %s"
                            .formatted(attributionWindow, observationWindow));
        }
        if (!(negativeSamplingRate >= 0 && negativeSamplingRate <= 1)) {
            throw new IllegalArgumentException(
                    "negative sampling rate is " + negativeSamplingRate + ", allowed is 0 to 1");
        }
        if (eventsPerImpressionMax < 1) {
            throw new IllegalArgumentException(
                    "events per impression are " + eventsPerImpressionMax
                            + ", at least 1 is needed");
        }
        if (heldBytesPerImpressionMax < 1 || heldBytesMax < heldBytesPerImpressionMax) {
            throw new IllegalArgumentException(
                    "held bytes are %d of one impression and %d in all, at least 1 is needed, and no less in all than of one"
                            .formatted(heldBytesPerImpressionMax, heldBytesMax));
        }
    }

    /** Returns settings that keep every negative, look at 256 events of an impression and hold 256 KiB of one, 64 MiB of all. */
    public static AttributionSettings of(
            Duration observationWindow, Duration attributionWindow, Duration orphanTimeout) {
        return new AttributionSettings(observationWindow, attributionWindow, orphanTimeout, 1.0,
                256, 256 << 10, 64 << 20);
    }

    private static void positive(String what, Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException(
                    what + " is " + duration + ", it must be above zero");
        }
    }
}
