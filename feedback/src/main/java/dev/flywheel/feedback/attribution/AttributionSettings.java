package dev.flywheel.feedback.attribution;

import java.io.Serializable;
import java.time.Duration;

/**
 * How long feedback is waited for, what silence means, and how much of it all is remembered. All times are event time.
 *
 * @param signals how each signal is learned from, where an adapter has no settings of its own
 * @param longestWindow no feedback is taken later than this after its answer, whatever an adapter says: the lifetime of a token
 * @param orphanTimeout feedback whose impression has not come within this time is refused as unmatched
 * @param negativeSamplingRate share of silent items that are kept, by hash; 0 keeps none
 * @param eventsPerImpressionMax events of one impression that are looked at; more are refused as capped
 * @param heldBytesPerImpressionMax bytes of events that wait for one impression, or for an event of it that they withdraw; what
 *     would exceed it is refused as capped
 * @param heldBytesMax the same for all impressions of one subtask
 * @param rememberedBytesMax bytes of all that one subtask remembers. From a quarter of it on answers are forgotten when the first
 *     of their signals' windows ends, not the last; where it is used up, answers are passed over and feedback on them is refused
 *     as capped. An eighth more is for what is said of those that are remembered
 */
public record AttributionSettings(
        SignalRules signals,
        Duration longestWindow,
        Duration orphanTimeout,
        double negativeSamplingRate,
        int eventsPerImpressionMax,
        long heldBytesPerImpressionMax,
        long heldBytesMax,
        long rememberedBytesMax)
        implements
            Serializable {

    public AttributionSettings {
        positive("longest window", longestWindow);
        positive("orphan timeout", orphanTimeout);
        if (longestWindow.compareTo(signals.longestAttribution()) < 0) {
            throw new IllegalArgumentException(
                    "longest window is %s, it must not be shorter than a signal's attribution window of %s"
                            .formatted(longestWindow, signals.longestAttribution()));
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
        if (rememberedBytesMax < 1) {
            throw new IllegalArgumentException(
                    "remembered bytes are " + rememberedBytesMax + ", at least 1 is needed");
        }
    }

    /**
     * Returns settings of one attribution window for all signals, default losses, an observation window for clicks, that keep
     * every negative, look at 256 events of an impression, hold 256 KiB of one, 64 MiB of all, and remember 256 MiB.
     */
    public static AttributionSettings of(
            Duration observationWindow, Duration attributionWindow, Duration orphanTimeout) {
        return new AttributionSettings(SignalRules.uniform(observationWindow, attributionWindow),
                attributionWindow, orphanTimeout, 1.0, 256, 256 << 10, 64 << 20, 256 << 20);
    }

    /** Returns these settings with other rules. */
    public AttributionSettings withSignals(SignalRules other) {
        return new AttributionSettings(other, longestWindow, orphanTimeout, negativeSamplingRate,
                eventsPerImpressionMax, heldBytesPerImpressionMax, heldBytesMax,
                rememberedBytesMax);
    }

    /** Returns these settings with another share of negatives. */
    public AttributionSettings withNegativeSamplingRate(double rate) {
        return new AttributionSettings(signals, longestWindow, orphanTimeout, rate,
                eventsPerImpressionMax, heldBytesPerImpressionMax, heldBytesMax,
                rememberedBytesMax);
    }

    /** Returns these settings with other limits on what waits. */
    public AttributionSettings withHeldBytes(long ofOneImpression, long ofAll) {
        return new AttributionSettings(signals, longestWindow, orphanTimeout, negativeSamplingRate,
                eventsPerImpressionMax, ofOneImpression, ofAll, rememberedBytesMax);
    }

    /** Returns these settings with another number of events looked at. */
    public AttributionSettings withEventsPerImpressionMax(int max) {
        return new AttributionSettings(signals, longestWindow, orphanTimeout, negativeSamplingRate,
                max, heldBytesPerImpressionMax, heldBytesMax, rememberedBytesMax);
    }

    /** Returns these settings with another limit on what is remembered. */
    public AttributionSettings withRememberedBytesMax(long max) {
        return new AttributionSettings(signals, longestWindow, orphanTimeout, negativeSamplingRate,
                eventsPerImpressionMax, heldBytesPerImpressionMax, heldBytesMax, max);
    }

    private static void positive(String what, Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException(
                    what + " is " + duration + ", it must be above zero");
        }
    }
}
