package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.SignalSettings;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * How one kind of signal is learned from. Windows are event time and half open: an event at the start counts, one at the end
 * does not.
 *
 * @param loss what it is turned into; {@link Loss#LOSS_NONE}: nothing
 * @param observationMillis how long after the answer silence is waited for; 0: silence says nothing about this signal
 * @param renderedMillis how long after the user saw the answer, where a Rendered tells when; 0: as long as after the answer
 * @param attributionMillis later than this after the answer it is refused as late
 * @param weight factor of its examples' weight
 * @param klWeight weight of the KL leash on its examples' rows; null: that of the round
 */
public record SignalRule(
        Loss loss,
        long observationMillis,
        long renderedMillis,
        long attributionMillis,
        double weight,
        @Nullable Double klWeight)
        implements
            Serializable {

    public SignalRule {
        if (loss == Loss.LOSS_UNSPECIFIED || loss == Loss.UNRECOGNIZED) {
            throw new IllegalArgumentException("loss is " + loss + ", name one or NONE");
        }
        if (observationMillis < 0 || renderedMillis < 0) {
            throw new IllegalArgumentException(
                    "observation windows are %d ms and %d ms after rendered, both must be 0 or more"
                            .formatted(observationMillis, renderedMillis));
        }
        if (attributionMillis <= 0 || attributionMillis < observationMillis) {
            throw new IllegalArgumentException(
                    "attribution window is %d ms, it must be above 0 and not shorter than the observation window of %d ms"
                            .formatted(attributionMillis, observationMillis));
        }
        if (!(weight > 0) || !Double.isFinite(weight)) {
            throw new IllegalArgumentException("weight is " + weight + ", it must be above 0");
        }
        if (klWeight != null && !(klWeight >= 0 && Double.isFinite(klWeight))) {
            throw new IllegalArgumentException("KL weight is " + klWeight
                    + ", it must be 0 or more");
        }
    }

    /** Returns a rule whose silence says nothing, of weight 1 and the round's leash. */
    public static SignalRule spoken(Loss loss, long attributionMillis) {
        return new SignalRule(loss, 0, 0, attributionMillis, 1, null);
    }

    /** Returns the rule with another time to wait for silence. */
    public SignalRule observed(long millis, long millisAfterRendered) {
        return new SignalRule(loss, millis, millisAfterRendered, attributionMillis, weight,
                klWeight);
    }

    /**
     * Returns this rule with an adapter's own settings laid over it, field by field. What no rule allows counts as the nearest
     * that one does: an answer is no place to refuse settings.
     */
    SignalRule under(SignalSettings own, long longestMillis) {
        if (own.getSerializedSize() == 0) {
            return this;
        }
        long attribution = own.hasAttributionMillis() ? own.getAttributionMillis()
                : attributionMillis;
        attribution = Math.max(1, Math.min(attribution, longestMillis));
        long observation = own.hasObservationMillis() ? own.getObservationMillis()
                : observationMillis;
        double weighed = own.hasWeight() ? own.getWeight() : weight;
        return new SignalRule(
                knows(own.getLoss()) ? own.getLoss() : loss,
                Math.max(0, Math.min(observation, attribution)),
                Math.max(0, own.hasRenderedMillis() ? own.getRenderedMillis() : renderedMillis),
                attribution,
                weighed > 0 && Double.isFinite(weighed) ? weighed : weight,
                own.hasKlWeight() && own.getKlWeight() >= 0 ? Double.valueOf(own.getKlWeight())
                        : klWeight);
    }

    private static boolean knows(Loss loss) {
        return loss != Loss.LOSS_UNSPECIFIED && loss != Loss.UNRECOGNIZED;
    }
}
