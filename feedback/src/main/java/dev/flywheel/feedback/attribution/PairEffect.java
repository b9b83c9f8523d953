package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;

/** What a step of {@link Pairs} brings about, in order. */
public sealed interface PairEffect {
    /** Hands an item on: a preference that has both its answers now, or a withdrawal. */
    record Pass(LoopItem item) implements PairEffect {}

    /**
     * Ends a preference without an example.
     *
     * @param detail what came and what was allowed, for a person
     */
    record Refuse(TakenFeedback feedback, RefusalReason reason, String detail)
            implements
                PairEffect {}

    /** Asks for {@link Pairs#onTime} once event time has reached this, milliseconds since 1970. */
    record WakeAt(long millis) implements PairEffect {}
}
