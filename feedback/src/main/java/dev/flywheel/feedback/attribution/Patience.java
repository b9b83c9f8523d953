package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.TakenFeedback;

/** How long feedback waits for its impression beyond the orphan timeout. */
public interface Patience {
    /** Waits no longer. */
    Patience NONE = (taken, nowMillis) -> nowMillis;

    /** Returns the event time until which to wait before asking again; what is not after {@code nowMillis} has waited enough. */
    long until(TakenFeedback taken, long nowMillis);
}
