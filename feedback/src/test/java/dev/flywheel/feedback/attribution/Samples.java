package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Dismiss;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.Preference;
import dev.flywheel.api.v1.Rating;
import dev.flywheel.api.v1.Rendered;
import dev.flywheel.api.v1.Retract;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.Thumb;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.feedback.token.FeedbackToken;
import java.time.Duration;
import java.util.Optional;

/** Impressions and events to try things with. Served at 1,000,000; observed for 10 s, attributed for 60 s, orphans kept 30 s. */
final class Samples {
    static final long SERVED_AT = 1_000_000;
    static final long OBSERVED_AT = SERVED_AT + 10_000;
    static final long CLOSED_AT = SERVED_AT + 60_000;
    static final AttributionSettings SETTINGS = AttributionSettings.of(
            Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofSeconds(30));

    /** Lets everything pass. */
    static final JoinCheck OPEN = new JoinCheck() {
        @Override
        public Optional<Objection> objection(Impression impression, FeedbackEvent event) {
            return Optional.empty();
        }

        @Override
        public Optional<Objection> objection(
                Impression impression, FeedbackEvent event, FeedbackToken token) {
            return Optional.empty();
        }

        @Override
        public boolean consents(Impression impression) {
            return true;
        }
    };

    /** Lets everything pass that was not refused consent. */
    static final JoinCheck CONSENTING = new JoinCheck() {
        @Override
        public Optional<Objection> objection(Impression impression, FeedbackEvent event) {
            return Optional.empty();
        }

        @Override
        public Optional<Objection> objection(
                Impression impression, FeedbackEvent event, FeedbackToken token) {
            return Optional.empty();
        }

        @Override
        public boolean consents(Impression impression) {
            return impression.getConsent() != Consent.CONSENT_NONE;
        }
    };

    private Samples() {}

    static Impression slate(int shown, int hidden) {
        Impression.Builder impression = decision(DecisionKind.DECISION_KIND_RANK)
                .setScoring(Scoring.newBuilder().setVerdict(true).setAcceptId(1).setRejectId(2));
        for (int i = 0; i < shown + hidden; i++) {
            impression.addCandidates(ShownCandidate.newBuilder()
                    .setId("c" + i)
                    .addIds(100 + i)
                    .setScore(i / 10.0)
                    .setPlace(i < shown ? i : -1)
                    .setPropensity(i < shown ? 0.5 : 0));
        }
        return impression.build();
    }

    static Impression answer() {
        return decision(DecisionKind.DECISION_KIND_GENERATE)
                .addCandidates(ShownCandidate.newBuilder().setId("answer").addIds(9).setScore(-3))
                .build();
    }

    static Impression scored() {
        return decision(DecisionKind.DECISION_KIND_SCORE)
                .addCandidates(
                        ShownCandidate.newBuilder().setId("0").addIds(9).setScore(-3).setPlace(-1))
                .addCandidates(
                        ShownCandidate.newBuilder().setId("1").addIds(8).setScore(-1).setPlace(-1))
                .build();
    }

    private static Impression.Builder decision(DecisionKind kind) {
        return Impression.newBuilder()
                .setImpressionId("imp")
                .setTenant("acme")
                .setUser("u")
                .setKind(kind)
                .setServedAtMillis(SERVED_AT)
                .addPromptIds(7)
                .setVersion(VersionRef.newBuilder()
                        .setAdapter("a")
                        .setNumber(4)
                        .setDigest("ab".repeat(32)));
    }

    static TakenFeedback taken(String id, long afterMillis, Signal.Builder signal) {
        FeedbackEvent event = FeedbackEvent.newBuilder()
                .setFeedbackId(id)
                .setSource("s")
                .setImpressionId("imp")
                .setTenant("acme")
                .setUser("u")
                .setReceivedAtMillis(SERVED_AT + afterMillis)
                .setSignal(signal)
                .build();
        return TakenFeedback.newBuilder().setEvent(event).setOriginal(event.toByteString()).build();
    }

    static Signal.Builder click(String item) {
        return Signal.newBuilder().setClick(Click.newBuilder().setCandidateId(item));
    }

    static Signal.Builder dismiss(String item) {
        return Signal.newBuilder().setDismiss(Dismiss.newBuilder().setCandidateId(item));
    }

    static Signal.Builder rating(String item, double value) {
        return Signal.newBuilder()
                .setRating(Rating.newBuilder().setCandidateId(item).setValue(value));
    }

    static Signal.Builder reward(String item, double value) {
        return Signal.newBuilder()
                .setReward(Reward.newBuilder().setCandidateId(item).setValue(value));
    }

    static Signal.Builder correction(String text) {
        return Signal.newBuilder().setCorrection(Correction.newBuilder().setText(text));
    }

    static Signal.Builder retract(String id) {
        return Signal.newBuilder().setRetract(Retract.newBuilder().setFeedbackId(id));
    }

    static Signal.Builder thumb(boolean up) {
        return Signal.newBuilder().setThumb(Thumb.newBuilder().setUp(up));
    }

    static Signal.Builder preferredTo(String impressionId) {
        return Signal.newBuilder()
                .setPreference(Preference.newBuilder().setRejectedImpressionId(impressionId));
    }

    static Signal.Builder rendered(int places) {
        return Signal.newBuilder().setRendered(Rendered.newBuilder().setPlaces(places));
    }
}
