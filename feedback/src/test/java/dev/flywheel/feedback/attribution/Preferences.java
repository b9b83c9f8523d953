package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Preference;
import dev.flywheel.api.v1.Retract;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.api.v1.Withdrawal;

/** Preferences for an answer over another one, "other", and that one. Served as {@link Samples} are. */
final class Preferences {
    static final String OTHER = "other";

    private Preferences() {}

    /** The other answer, which says 31, 32 to the prompt 7, 8. */
    static Impression.Builder other() {
        return Impression.newBuilder()
                .setImpressionId(OTHER)
                .setTenant("acme")
                .setUser("u")
                .setKind(DecisionKind.DECISION_KIND_GENERATE)
                .setServedAtMillis(Samples.SERVED_AT)
                .addPromptIds(7)
                .addPromptIds(8)
                .setVersion(VersionRef.newBuilder()
                        .setAdapter("a")
                        .setNumber(4)
                        .setDigest("ab".repeat(32)))
                .addCandidates(ShownCandidate.newBuilder()
                        .setId("answer")
                        .addIds(31)
                        .addIds(32)
                        .setScore(-4.5));
    }

    static ComparedAnswer compared(Impression.Builder impression) {
        return new Pairs(Samples.SETTINGS).compared(impression.build(), true).orElseThrow();
    }

    /** What attribution makes of a preference for an answer that says 21 to the prompt 7, 8. */
    static LoopItem.Builder preferred(String feedbackId, long afterMillis) {
        return preferred(feedbackId, feedbackId, afterMillis);
    }

    /** The same; all that say the same become one example. */
    static LoopItem.Builder preferred(String feedbackId, String says, long afterMillis) {
        FeedbackEvent event = event(feedbackId, afterMillis)
                .setSignal(Signal.newBuilder()
                        .setPreference(Preference.newBuilder().setRejectedImpressionId(OTHER)))
                .build();
        Example example = Example.newBuilder()
                .setExampleId("example-of-" + says)
                .setKind(ExampleKind.EXAMPLE_KIND_DPO)
                .setTenant("acme")
                .setUser("u")
                .setAdapter("a")
                .setImpressionId("imp")
                .setRejectedImpressionId(OTHER)
                .addFeedback(FeedbackKey.newBuilder().setSource("s").setFeedbackId(feedbackId))
                .addPromptIds(7)
                .addPromptIds(8)
                .addOptions(LabelledOption.newBuilder()
                        .setCandidateId("answer")
                        .addIds(21)
                        .setLabel(1)
                        .setServedScore(-2))
                .build();
        return item().setExample(
                LabelledExample.newBuilder().setExample(example).setFeedback(taken(event)));
    }

    /** What attribution makes of the retraction of such a preference. */
    static LoopItem withdrawn(String feedbackId, String retractionId, long afterMillis) {
        return withdrawn(feedbackId, feedbackId, retractionId, afterMillis);
    }

    static LoopItem withdrawn(String feedbackId, String says, String retractionId,
            long afterMillis) {
        FeedbackEvent event = event(retractionId, afterMillis)
                .setSignal(Signal.newBuilder()
                        .setRetract(Retract.newBuilder().setFeedbackId(feedbackId)))
                .build();
        return item().setWithdrawal(Withdrawal.newBuilder()
                .setRetraction(taken(event))
                .setExampleId("example-of-" + says)).build();
    }

    private static LoopItem.Builder item() {
        return LoopItem.newBuilder()
                .setTenant("acme")
                .setUser("u")
                .setAdapter("a")
                .setRejectedImpressionId(OTHER);
    }

    private static FeedbackEvent.Builder event(String id, long afterMillis) {
        return FeedbackEvent.newBuilder()
                .setFeedbackId(id)
                .setSource("s")
                .setImpressionId("imp")
                .setTenant("acme")
                .setUser("u")
                .setReceivedAtMillis(Samples.SERVED_AT + afterMillis);
    }

    private static TakenFeedback taken(FeedbackEvent event) {
        return TakenFeedback.newBuilder().setEvent(event).setOriginal(event.toByteString()).build();
    }
}
