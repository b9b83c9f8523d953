package dev.flywheel.feedback.guard;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_EXPIRED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_FORGED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class AdmissionTest {
    private static final TokenSigner OURS = signer((byte) 1);
    private static final Impression IMPRESSION = Impression.newBuilder()
            .setImpressionId("imp")
            .setTenant("acme")
            .setUser("u")
            .setServedAtMillis(1_000)
            .setVersion(
                    VersionRef.newBuilder().setAdapter("a").setNumber(1).setDigest("ab".repeat(32)))
            .build();
    private static final FeedbackEvent EVENT = FeedbackEvent.newBuilder()
            .setImpressionId("imp")
            .setTenant("acme")
            .setUser("u")
            .setReceivedAtMillis(2_000)
            .setFeedbackToken(token(IMPRESSION))
            .build();

    private final Admission admission = new Admission(OURS, GuardProfile.DEFAULT);

    private static TokenSigner signer(byte fill) {
        byte[] secret = new byte[32];
        java.util.Arrays.fill(secret, fill);
        return new TokenSigner(TokenKeys.parse(TokenKeys.format("k", secret)));
    }

    private static String token(Impression impression) {
        return OURS.sign(FeedbackToken.of(impression, Duration.ofSeconds(60)));
    }

    @Test
    void honestFeedbackPasses() {
        assertThat(admission.onArrival(EVENT)).isInstanceOf(Admission.Admitted.class);
        assertThat(admission.objection(IMPRESSION, EVENT)).isEmpty();
    }

    @Test
    void forgedFeedbackIsRefusedOnArrival() {
        onArrival(REFUSAL_REASON_FORGED, EVENT.toBuilder().clearFeedbackToken());
        onArrival(REFUSAL_REASON_FORGED, EVENT.toBuilder().setFeedbackToken("AAAA"));
        String foreign =
                signer((byte) 2).sign(FeedbackToken.of(IMPRESSION, Duration.ofSeconds(60)));
        onArrival(REFUSAL_REASON_FORGED, EVENT.toBuilder().setFeedbackToken(foreign));
        onArrival(REFUSAL_REASON_FORGED, EVENT.toBuilder().setImpressionId("another"));
        onArrival(REFUSAL_REASON_FORGED, EVENT.toBuilder().setTenant("other"));
        onArrival(REFUSAL_REASON_FORGED, EVENT.toBuilder().setUser("mallory"));
    }

    @Test
    void theTokenOfAnotherVersionOrTimeIsForged() {
        Impression later = IMPRESSION.toBuilder().setServedAtMillis(1_001).build();
        assertThat(admission.objection(later, EVENT))
                .hasValueSatisfying(o -> assertThat(o.reason()).isEqualTo(REFUSAL_REASON_FORGED));
        Impression.Builder other = IMPRESSION.toBuilder();
        other.getVersionBuilder().setDigest("cd".repeat(32));
        assertThat(admission.objection(other.build(), EVENT))
                .hasValueSatisfying(o -> assertThat(o.reason()).isEqualTo(REFUSAL_REASON_FORGED));
    }

    @Test
    void expiryIsHalfOpenAndJudgedByTheEventsTime() {
        assertThat(admission.onArrival(EVENT.toBuilder().setReceivedAtMillis(60_999).build()))
                .isInstanceOf(Admission.Admitted.class);
        onArrival(REFUSAL_REASON_EXPIRED, EVENT.toBuilder().setReceivedAtMillis(61_000));
    }

    @Test
    void whoDidNotConsentIsNotLearnedFrom() {
        Impression refusing = IMPRESSION.toBuilder().setConsent(Consent.CONSENT_NONE).build();
        assertThat(admission.consents(refusing)).isFalse();
        assertThat(admission.consents(IMPRESSION)).isTrue();
        GuardProfile strict = new GuardProfile("strict", 8, Duration.ofMinutes(1), 0.02, true);
        assertThat(new Admission(OURS, strict).consents(IMPRESSION)).isFalse();
        assertThat(new Admission(OURS, strict)
                .consents(IMPRESSION.toBuilder().setConsent(Consent.CONSENT_TRAIN).build()))
                .isTrue();
    }

    private void onArrival(RefusalReason reason, FeedbackEvent.Builder event) {
        assertThat(admission.onArrival(event.build()))
                .isInstanceOfSatisfying(Admission.Refused.class,
                        refused -> assertThat(refused.objection().reason()).isEqualTo(reason));
    }
}
