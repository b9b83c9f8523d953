package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_LATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NOT_APPLICABLE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_RETRACTED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_UNMATCHED;
import static dev.flywheel.feedback.attribution.Samples.CLOSED_AT;
import static dev.flywheel.feedback.attribution.Samples.click;
import static dev.flywheel.feedback.attribution.Samples.retract;
import static dev.flywheel.feedback.attribution.Samples.slate;
import static dev.flywheel.feedback.attribution.Samples.taken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.TakenFeedback;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RetractionTest {
    private static final TakenFeedback CLICK = taken("f", 5, click("c0"));
    private static final TakenFeedback RETRACTION = taken("r", 9, retract("f"));

    @Test
    void whatIsWithdrawnBeforeAnythingCameOfItIsRefusedInAnyOrderAndTheStoreHearsOfIt() {
        for (Timeline timeline : List.of(
                Timeline.open().feedback(CLICK, RETRACTION).impression(slate(1, 0)),
                Timeline.open().feedback(RETRACTION, CLICK).impression(slate(1, 0)),
                Timeline.open().feedback(RETRACTION).impression(slate(1, 0)).feedback(CLICK),
                Timeline.open().impression(slate(1, 0)).feedback(RETRACTION, CLICK))) {
            assertThat(timeline.examples).isEmpty();
            assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_RETRACTED));
            assertThat(timeline.withdrawn).containsExactly(key("f"));
            assertThat(timeline.retractions).containsExactly(key("r"));
        }
    }

    @Test
    void whatIsWithdrawnStaysSoWhenItIsSentAgain() {
        Timeline timeline = Timeline.open()
                .feedback(CLICK, RETRACTION)
                .impression(slate(1, 0))
                .feedback(again(CLICK));
        assertThat(timeline.examples).isEmpty();
        assertThat(timeline.refusedKeys).containsExactly(key("f"), key("f"));
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_RETRACTED));
        Timeline handedOn = Timeline.open()
                .impression(slate(1, 0))
                .feedback(CLICK, RETRACTION, again(CLICK));
        assertThat(handedOn.examples).hasSize(1);
        assertThat(handedOn.refused).containsOnly(Map.entry("f", REFUSAL_REASON_RETRACTED));
    }

    @Test
    void whatWasRefusedAndThenWithdrawnDoesNotComeBackWhenItIsSentAgain() {
        TakenFeedback wrong = taken("f", 5, click("zz"));
        Timeline timeline = Timeline.open().impression(slate(1, 0)).feedback(wrong, RETRACTION);
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_NOT_APPLICABLE));
        assertThat(timeline.withdrawn).containsExactly(key("f"));
        timeline.feedback(again(wrong));
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_RETRACTED));
    }

    @Test
    void aRetractionThatIsSentAgainGoesToTheStoreAgain() {
        Timeline timeline = Timeline.open()
                .impression(slate(1, 0))
                .feedback(CLICK, RETRACTION, again(RETRACTION));
        assertThat(timeline.retractions).containsExactly(key("r"), key("r"));
        assertThat(timeline.refused).isEmpty();
    }

    @Test
    void aRetractionOfWhatWasHandedOnAsksForItBack() {
        Timeline timeline = Timeline.open()
                .impression(slate(1, 0))
                .feedback(CLICK, RETRACTION, taken("r2", 10, retract("f")));
        assertThat(timeline.takenBack).containsExactly(timeline.examples.get(0).getExampleId());
        assertThat(timeline.refused).containsOnly(Map.entry("r2", REFUSAL_REASON_RETRACTED));
        timeline.feedback(taken("g", 20, click("c0")));
        assertThat(timeline.examples).as("the item may be chosen anew").hasSize(2);
    }

    @Test
    void aRetractionThatCameTooLateWithdrawsNothing() {
        Timeline timeline = Timeline.open()
                .feedback(taken("r", 60_000, retract("f")), CLICK)
                .impression(slate(1, 0));
        assertThat(timeline.examples).hasSize(1);
        assertThat(timeline.refused).containsOnly(Map.entry("r", REFUSAL_REASON_LATE));
        assertThat(timeline.withdrawn).isEmpty();
    }

    @Test
    void aRetractionOfNothingIsUnmatched() {
        Timeline timeline =
                Timeline.open()
                        .impression(slate(1, 0))
                        .feedback(taken("r", 0, retract("zz")))
                        .time(CLOSED_AT);
        assertThat(timeline.refused).containsOnly(Map.entry("r", REFUSAL_REASON_UNMATCHED));
    }

    private static TakenFeedback again(TakenFeedback taken) {
        return taken.toBuilder().setAgain(true).build();
    }

    private static FeedbackKey key(String id) {
        return FeedbackKey.newBuilder().setSource("s").setFeedbackId(id).build();
    }
}
