package dev.flywheel.feedback.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Dismiss;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.Rating;
import dev.flywheel.api.v1.Retract;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.Thumb;
import org.junit.jupiter.api.Test;

class EventSchemaTest {
    private static final Signal CLICK =
            Signal.newBuilder().setClick(Click.newBuilder().setCandidateId("a")).build();
    private static final FeedbackEvent EVENT = FeedbackEvent.newBuilder()
            .setFeedbackId("f")
            .setSource("s")
            .setImpressionId("i")
            .setTenant("t")
            .setReceivedAtMillis(1)
            .setSignal(CLICK)
            .build();
    private static final Impression IMPRESSION = Impression.newBuilder()
            .setImpressionId("i")
            .setTenant("t")
            .setServedAtMillis(1)
            .setKind(DecisionKind.DECISION_KIND_RANK)
            .addCandidates(ShownCandidate.newBuilder().setId("a").setPropensity(0.5))
            .build();

    @Test
    void goodEventsHaveNoProblem() {
        assertThat(EventSchema.problem(EVENT)).isEmpty();
        assertThat(EventSchema.problem(IMPRESSION)).isEmpty();
        assertThat(EventSchema
                .problem(Signal.newBuilder().setThumb(Thumb.getDefaultInstance()).build()))
                .isEmpty();
        assertThat(EventSchema
                .problem(Signal.newBuilder().setDismiss(Dismiss.getDefaultInstance()).build()))
                .isEmpty();
    }

    @Test
    void eachProblemOfAnEventNamesItsField() {
        expect("feedback_id", EVENT.toBuilder().clearFeedbackId());
        expect("source", EVENT.toBuilder().clearSource());
        expect("impression_id", EVENT.toBuilder().setImpressionId("x".repeat(129)));
        expect("tenant", EVENT.toBuilder().clearTenant());
        expect("user", EVENT.toBuilder().setUser("x".repeat(129)));
        expect("received_at_millis", EVENT.toBuilder().setReceivedAtMillis(-1));
        expect("signal is not set", EVENT.toBuilder().clearSignal());
        expect("signal.click.candidate_id",
                signal(Signal.newBuilder().setClick(Click.getDefaultInstance())));
        expect("signal.rating.value is 1.5",
                signal(Signal.newBuilder().setRating(Rating.newBuilder().setValue(1.5))));
        expect("signal.rating.value is NaN",
                signal(Signal.newBuilder().setRating(Rating.newBuilder().setValue(Double.NaN))));
        expect("signal.reward.value is Infinity",
                signal(Signal.newBuilder().setReward(Reward.newBuilder().setValue(1 / 0.0))));
        expect("signal.correction.text",
                signal(Signal.newBuilder().setCorrection(Correction.newBuilder().setText(" "))));
        expect("signal.correction.text",
                signal(Signal.newBuilder()
                        .setCorrection(Correction.newBuilder().setText("x".repeat(16_385)))));
        expect("signal.retract.feedback_id",
                signal(Signal.newBuilder().setRetract(Retract.getDefaultInstance())));
    }

    @Test
    void eachProblemOfAnImpressionNamesItsField() {
        expect("impression_id", IMPRESSION.toBuilder().clearImpressionId());
        expect("tenant", IMPRESSION.toBuilder().clearTenant());
        expect("served_at_millis", IMPRESSION.toBuilder().clearServedAtMillis());
        expect("kind", IMPRESSION.toBuilder().clearKind());
        expect("kind", IMPRESSION.toBuilder().setKindValue(99));
        expect("candidates is empty", IMPRESSION.toBuilder().clearCandidates());
        expect("stands twice", IMPRESSION.toBuilder().addCandidates(IMPRESSION.getCandidates(0)));
        Impression.Builder noDigest = IMPRESSION.toBuilder();
        noDigest.getVersionBuilder().setAdapter("news/ranker");
        expect("version.digest", noDigest);
        Impression.Builder propensity = IMPRESSION.toBuilder();
        propensity.getCandidatesBuilder(0).setPropensity(1.01);
        expect("candidates.propensity", propensity);
        for (float bad : new float[] {0.1f, Float.NaN, Float.NEGATIVE_INFINITY}) {
            Impression.Builder drawn = IMPRESSION.toBuilder();
            drawn.getCandidatesBuilder(0).clearDrawnLogProbs();
            drawn.getCandidatesBuilder(0)
                    .getIdsList()
                    .forEach(id -> drawn.getCandidatesBuilder(0).addDrawnLogProbs(bad));
            drawn.getCandidatesBuilder(0).addIds(1).addDrawnLogProbs(bad);
            expect("candidates.drawn_log_probs", drawn);
        }
        Impression.Builder fewer = IMPRESSION.toBuilder();
        fewer.getCandidatesBuilder(0).addIds(1).addIds(2).addDrawnLogProbs(-1);
        expect("candidates.drawn_log_probs", fewer);
        Impression.Builder score = IMPRESSION.toBuilder();
        score.getCandidatesBuilder(0).setScore(Double.NaN);
        expect("candidates.score", score);
        Impression.Builder place = IMPRESSION.toBuilder();
        place.getCandidatesBuilderList().forEach(each -> each.setPlace(-1));
        expect("candidates.place", place);
    }

    @Test
    void theFallbackIdTellsFeedbackApartAndRetriesTogether() {
        String id = FeedbackIds.fallback("token", CLICK);
        assertThat(id).isEqualTo(FeedbackIds.fallback("token", CLICK.toBuilder().build()))
                .hasSize(32);
        assertThat(id).isNotEqualTo(FeedbackIds.fallback("token2", CLICK));
        Signal other = Signal.newBuilder().setClick(Click.newBuilder().setCandidateId("b")).build();
        assertThat(id).isNotEqualTo(FeedbackIds.fallback("token", other));
        assertThat(FeedbackIds.identified(EVENT)).isSameAs(EVENT);
        assertThat(
                FeedbackIds.identified(EVENT.toBuilder().clearFeedbackId().build()).getFeedbackId())
                .isEqualTo(FeedbackIds.fallback("", CLICK));
    }

    private static FeedbackEvent.Builder signal(Signal.Builder signal) {
        return EVENT.toBuilder().setSignal(signal);
    }

    private static void expect(String named, FeedbackEvent.Builder event) {
        assertThat(EventSchema.problem(event.build()))
                .hasValueSatisfying(p -> assertThat(p).contains(named));
    }

    private static void expect(String named, Impression.Builder impression) {
        assertThat(EventSchema.problem(impression.build()))
                .hasValueSatisfying(p -> assertThat(p).contains(named));
    }
}
