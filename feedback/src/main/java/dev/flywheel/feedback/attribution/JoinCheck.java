package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.token.FeedbackToken;
import java.util.Optional;

/** Decides whether an impression may be learned from at all and, once both are there, whether an event may label it. Pure. */
public interface JoinCheck {
    /** Why not. */
    record Objection(RefusalReason reason, String detail) {}

    /** Returns why the event must not be learned from, empty if it may. */
    Optional<Objection> objection(Impression impression, FeedbackEvent event);

    /**
     * The same for an event whose token is at hand.
     *
     * @param token has been found genuine and made for the event's own impression, tenant and user
     */
    Optional<Objection> objection(Impression impression, FeedbackEvent event, FeedbackToken token);

    /** Whether anything about this impression may be learned: what was said of it, and silence. */
    boolean consents(Impression impression);
}
