package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;

/** What a step of attribution brings about, in order. */
public sealed interface Effect {
    /**
     * Hands an example on, or a label for evaluation alone, or asks for an example to be taken back. An event behind an example
     * ends in it, one behind a label for evaluation is refused there; where a retraction ends, whoever holds the example decides.
     */
    record HandOn(LoopItem item) implements Effect {
        /** Whether a feedback event goes on with it, rather than what silence says. */
        public boolean carriesFeedback() {
            return item.hasWithdrawal() || item.hasEvaluationOnly()
                    || item.getExample().hasFeedback();
        }
    }

    /**
     * Ends an event without an example.
     *
     * @param detail what came and what was allowed, for a person
     */
    record Refuse(TakenFeedback feedback, RefusalReason reason, String detail) implements Effect {}

    /** An event came that has an end already, or waits already: nothing was done. */
    record Ignore(TakenFeedback feedback) implements Effect {}

    /** Passes over an answer for want of room: neither what is said of it nor silence teaches anything. */
    record PassOver(String impressionId) implements Effect {}

    /** Asks for {@link Attribution#onTime} once event time has reached this, milliseconds since 1970. */
    record WakeAt(long millis) implements Effect {}
}
