package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.Withdrawal;

/** What a step of attribution brings about, in order. */
public sealed interface Effect {
    /** Hands an example on; an event behind it ends in that example. */
    record Emit(LabelledExample example) implements Effect {}

    /**
     * Asks for an example to be taken back; whoever holds it decides where the retraction ends.
     *
     * @param adapter whose example it is
     */
    record TakeBack(String adapter, Withdrawal withdrawal) implements Effect {}

    /**
     * Ends an event without an example.
     *
     * @param detail what came and what was allowed, for a person
     */
    record Refuse(TakenFeedback feedback, RefusalReason reason, String detail) implements Effect {}

    /** An event came that has an end already, or waits already: nothing was done. */
    record Ignore(TakenFeedback feedback) implements Effect {}

    /** Asks for {@link Attribution#onTime} once event time has reached this, milliseconds since 1970. */
    record WakeAt(long millis) implements Effect {}
}
