package dev.flywheel.serving.metrics;

import java.util.Locale;

/** What a node says to a feedback event. Later the job says more, in the same meter. */
public enum FeedbackResult {
    /** Kafka has it. */
    ACCEPTED,
    /** Its token is not ours, or is another user's. */
    FORGED,
    /** Its token's time is over. */
    EXPIRED,
    /** The caller's credential does not reach the answer's tenant. */
    DENIED,
    /** A field breaks a rule. */
    MALFORMED,
    /** Kafka did not take it; the client sends it again. */
    NOT_TAKEN;

    /** Name of the meter that counts them. */
    public static final String METER = "flywheel.feedback.events";

    /** Its description. */
    public static final String DESCRIPTION =
            "feedback events by what was said to them; at: node, when one came in, or job, when it was found later that one came again or cannot be learned from";

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
