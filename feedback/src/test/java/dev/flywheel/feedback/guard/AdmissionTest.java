package dev.flywheel.feedback.guard;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_EXPIRED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_FORGED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.feedback.attribution.Attribution;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.attribution.Effect;
import dev.flywheel.feedback.attribution.Step;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    private final Admission admission = new Admission(OURS, GuardProfiles.of(GuardProfile.DEFAULT));

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
    void aTokenReplayedUnderNewIdsTeachesALabelOnce() {
        Impression slate = IMPRESSION.toBuilder()
                .setKind(DecisionKind.DECISION_KIND_RANK)
                .addCandidates(ShownCandidate.newBuilder().setId("c"))
                .build();
        Attribution attribution = new Attribution(AttributionSettings.of(Duration.ofSeconds(30),
                Duration.ofMinutes(5), Duration.ofMinutes(1)), admission);
        Step step = attribution.onImpression(null, slate, 1 << 20);
        List<Effect> effects = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            FeedbackEvent again = EVENT.toBuilder()
                    .setFeedbackId("replay-" + i)
                    .setSource("source-" + i % 2)
                    .setReceivedAtMillis(2_000 + i)
                    .setSignal(Signal.newBuilder()
                            .setClick(Click.newBuilder().setCandidateId("c")))
                    .build();
            FeedbackToken token = ((Admission.Admitted) admission.onArrival(again)).token();
            step = attribution.onFeedback(step.state(),
                    TakenFeedback.newBuilder().setEvent(again).build(), token, 2_000, 1 << 20);
            effects.addAll(step.effects());
        }
        assertThat(effects.stream()
                .filter(effect -> effect instanceof Effect.HandOn)
                .map(effect -> ((Effect.HandOn) effect).item()
                        .getExample()
                        .getExample()
                        .getExampleId())
                .distinct()).as("ids, each of which is claimed once").hasSize(1);
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
        assertThat(new Admission(OURS, GuardProfiles.of(strict)).consents(IMPRESSION)).isFalse();
        assertThat(new Admission(OURS, GuardProfiles.of(strict))
                .consents(IMPRESSION.toBuilder().setConsent(Consent.CONSENT_TRAIN).build()))
                .isTrue();
    }

    @Test
    void anAdapterOrATenantMayRequireConsentWhereOthersDoNot() {
        Impression.Builder strict = IMPRESSION.toBuilder();
        strict.getLearningBuilder().getGuardBuilder().setConsentRequired(true);
        assertThat(admission.consents(strict.build())).isFalse();
        Admission tenants = new Admission(OURS, new GuardProfiles(GuardProfile.DEFAULT, Map.of(
                "acme", new GuardProfile("strict", 8, Duration.ofMinutes(1), 0.02, true))));
        assertThat(tenants.consents(IMPRESSION)).isFalse();
        assertThat(tenants.consents(IMPRESSION.toBuilder().setTenant("b").build())).isTrue();
    }

    private void onArrival(RefusalReason reason, FeedbackEvent.Builder event) {
        assertThat(admission.onArrival(event.build()))
                .isInstanceOfSatisfying(Admission.Refused.class,
                        refused -> assertThat(refused.objection().reason()).isEqualTo(reason));
    }
}
