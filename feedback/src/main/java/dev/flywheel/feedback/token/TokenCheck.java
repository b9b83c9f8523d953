package dev.flywheel.feedback.token;

/** What verifying a token found. Expiry is not judged here: it is judged by the event's time, see {@link FeedbackToken#expiresAt}. */
public sealed interface TokenCheck {
    /** Signed by one of our keys. */
    record Genuine(FeedbackToken token) implements TokenCheck {}

    /**
     * Not signed by us, or altered since.
     *
     * @param why what is wrong with it, for a person; never repeats the token
     */
    record Forged(String why) implements TokenCheck {}
}
