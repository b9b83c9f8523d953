package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_CAPPED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_CONSENT;
import static dev.flywheel.feedback.attribution.Samples.click;
import static dev.flywheel.feedback.attribution.Samples.retract;
import static dev.flywheel.feedback.attribution.Samples.slate;
import static dev.flywheel.feedback.attribution.Samples.taken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.Impression;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Of 16,000 bytes: 1,000 more for answers that are passed over, 2,000 more for what is said of those that are remembered. */
class RememberedBytesTest {
    private static final int MAX = 16_000;

    private static Timeline timeline() {
        return new Timeline(new Attribution(Samples.SETTINGS.withRememberedBytesMax(MAX),
                Samples.CONSENTING));
    }

    @Test
    void whatIsSaidOfOneAnswerTakesNoMoreThanThereIs() {
        Timeline timeline = timeline().impression(slate(3, 0));
        for (int i = 0; i < 200; i++) {
            timeline.room = (long) MAX - timeline.stateBytes();
            timeline.feedback(taken("f" + "0".repeat(100) + i, i, click("c" + i % 3)));
            assertThat(timeline.stateBytes()).isLessThanOrEqualTo(MAX + MAX / 8);
        }
        assertThat(timeline.refused).containsValue(REFUSAL_REASON_CAPPED);
        assertThat(timeline.examples).hasSize(200 - timeline.refused.size());
        assertThat(timeline.stateBytes()).isGreaterThan(MAX);
        assertThat(timeline.details.values().iterator().next())
                .contains("loop.remembered_bytes_max");
    }

    @Test
    void whatIsRefusedForWantOfRoomIsTakenWhenItComesAgainAndThereIsSome() {
        Timeline timeline = timeline().impression(slate(3, 0));
        timeline.room = -MAX / 8;
        timeline.feedback(taken("f", 5, click("c0")));
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_CAPPED));
        timeline.room = MAX;
        timeline.feedback(taken("f", 5, click("c0")));
        assertThat(timeline.examples).hasSize(1);
    }

    @Test
    void whatWaitsForItsAnswerHasToFitInLikeOne() {
        Timeline timeline = timeline();
        timeline.room = 10;
        timeline.feedback(taken("f", 5, click("c0")));
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_CAPPED));
        assertThat(timeline.closed()).isTrue();
        timeline.room = MAX;
        timeline.impression(slate(3, 0));
        timeline.room = 10;
        timeline.feedback(taken("g", 6, click("c0")), taken("r", 7, retract("later")));
        assertThat(timeline.examples).as("of what is remembered").hasSize(1);
        assertThat(timeline.held()).isEqualTo(1);
    }

    @Test
    void everyAnswerThatIsPassedOverIsToldAndBeyondASixteenthLeavesNothingBehind() {
        for (int beyond : new int[] {0, MAX / 16}) {
            Timeline timeline = timeline().feedback(taken("first", 1, click("c0")));
            timeline.room = -beyond;
            timeline.impression(slate(3, 0));
            assertThat(timeline.refused).containsOnly(Map.entry("first", REFUSAL_REASON_CAPPED));
            assertThat(timeline.passedOver).isEqualTo(1);
            assertThat(timeline.closed()).isFalse();
            timeline.impression(slate(3, 0));
            assertThat(timeline.passedOver).as("it is the same").isEqualTo(1);
        }
        Timeline timeline = timeline();
        timeline.room = -MAX / 16 - 1;
        timeline.impression(slate(3, 0));
        assertThat(timeline.passedOver).isEqualTo(1);
        assertThat(timeline.closed()).isTrue();
        assertThat(timeline.sleeps()).as("nothing is to be done about it").isFalse();
        timeline.feedback(taken("f", 5, click("c0")));
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_CAPPED));
    }

    @Test
    void answersWithoutConsentTakeNoMoreThanThatEither() {
        Impression refusing = slate(3, 0).toBuilder().setConsent(Consent.CONSENT_NONE).build();
        Timeline timeline = timeline();
        timeline.room = -1;
        timeline.impression(refusing).feedback(taken("f", 5, click("c0")));
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_NO_CONSENT));
        assertThat(timeline.passedOver).isZero();
        Timeline beyond = timeline();
        beyond.room = -MAX / 16 - 1;
        beyond.impression(refusing);
        assertThat(beyond.closed()).isTrue();
        assertThat(beyond.passedOver).isEqualTo(1);
        assertThat(beyond.sleeps()).isFalse();
    }
}
