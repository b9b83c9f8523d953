package dev.flywheel.feedback.guard;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_EXPIRED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_FORGED;

import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.attribution.JoinCheck;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenCheck;
import dev.flywheel.feedback.token.TokenSigner;
import java.time.Instant;
import java.util.Optional;

/**
 * Whether an event may be learned from at all: its token proves that we gave that answer to that user, and the user allowed it.
 *
 * <p>{@link #onArrival} needs no impression and comes first, so that forged events take no memory. Expiry is judged by the
 * event's own time, so that a replay judges as the first run did.
 */
public final class Admission implements JoinCheck {
    private final TokenSigner signer;
    private final GuardProfiles profiles;

    public Admission(TokenSigner signer, GuardProfiles profiles) {
        this.signer = signer;
        this.profiles = profiles;
    }

    /** What an event's token says of it. */
    public sealed interface Arrival {}

    /** It is about an answer of ours to this user. */
    public record Admitted(FeedbackToken token) implements Arrival {}

    /** It must not touch any state. */
    public record Refused(Objection objection) implements Arrival {}

    /** Judges an event before its impression is known. */
    public Arrival onArrival(FeedbackEvent event) {
        TokenCheck check = signer.verify(event.getFeedbackToken());
        if (check instanceof TokenCheck.Forged forged) {
            return new Refused(forged(forged.why()));
        }
        FeedbackToken token = ((TokenCheck.Genuine) check).token();
        return objection(token, event).<Arrival>map(Refused::new)
                .orElseGet(() -> new Admitted(token));
    }

    private static Optional<Objection> objection(FeedbackToken token, FeedbackEvent event) {
        if (!token.impressionId().equals(event.getImpressionId())) {
            return Optional.of(forged(
                    "feedback_token was issued for another answer than impression_id names"));
        }
        if (!token.tenant().equals(event.getTenant())) {
            return Optional.of(forged("feedback_token was issued to another tenant than %s"
                    .formatted(event.getTenant())));
        }
        if (!token.userHash().equals(FeedbackToken.hashOf(event.getTenant(), event.getUser()))) {
            return Optional.of(
                    forged("feedback_token was issued to another user than the one named"));
        }
        if (!Instant.ofEpochMilli(event.getReceivedAtMillis()).isBefore(token.expiresAt())) {
            return Optional.of(new Objection(REFUSAL_REASON_EXPIRED,
                    "feedback_token expired at %s, the event is of %s".formatted(token.expiresAt(),
                            Instant.ofEpochMilli(event.getReceivedAtMillis()))));
        }
        return Optional.empty();
    }

    @Override
    public Optional<Objection> objection(Impression impression, FeedbackEvent event) {
        return signer.verify(event.getFeedbackToken()) instanceof TokenCheck.Genuine genuine
                ? objection(impression, event, genuine.token())
                : Optional.of(forged("feedback_token is not genuine any more"));
    }

    @Override
    public Optional<Objection> objection(
            Impression impression, FeedbackEvent event, FeedbackToken token) {
        // The token is of the event's own impression, tenant and user, which need not be hashed again.
        boolean fits = token.fitsVersionOf(impression)
                && event.getTenant().equals(impression.getTenant())
                && event.getUser().equals(impression.getUser());
        return fits ? Optional.empty()
                : Optional.of(forged(
                        "feedback_token was issued for another version, user or time than the impression names"));
    }

    @Override
    public boolean consents(Impression impression) {
        return impression.getConsent() == Consent.CONSENT_TRAIN
                || impression.getConsent() == Consent.CONSENT_UNSPECIFIED
                        && !profiles.of(impression.getTenant(), impression.getLearning().getGuard())
                                .consentRequired();
    }

    private static Objection forged(String why) {
        return new Objection(REFUSAL_REASON_FORGED, why);
    }
}
