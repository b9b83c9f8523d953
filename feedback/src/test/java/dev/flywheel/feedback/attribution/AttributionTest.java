package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_CAPPED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_EVALUATION_ONLY;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_LATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NOT_APPLICABLE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_ADAPTER;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_CONSENT;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_UNMATCHED;
import static dev.flywheel.feedback.attribution.Samples.CLOSED_AT;
import static dev.flywheel.feedback.attribution.Samples.OBSERVED_AT;
import static dev.flywheel.feedback.attribution.Samples.SERVED_AT;
import static dev.flywheel.feedback.attribution.Samples.answer;
import static dev.flywheel.feedback.attribution.Samples.click;
import static dev.flywheel.feedback.attribution.Samples.correction;
import static dev.flywheel.feedback.attribution.Samples.dismiss;
import static dev.flywheel.feedback.attribution.Samples.preferredTo;
import static dev.flywheel.feedback.attribution.Samples.rating;
import static dev.flywheel.feedback.attribution.Samples.rendered;
import static dev.flywheel.feedback.attribution.Samples.retract;
import static dev.flywheel.feedback.attribution.Samples.reward;
import static dev.flywheel.feedback.attribution.Samples.scored;
import static dev.flywheel.feedback.attribution.Samples.slate;
import static dev.flywheel.feedback.attribution.Samples.taken;
import static dev.flywheel.feedback.attribution.Samples.thumb;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AttributionTest {
    @Test
    void aClickIsAnExampleAtOnceWithEverythingThatWasShown() {
        Timeline timeline =
                Timeline.open().impression(slate(3, 2)).feedback(taken("f", 500, click("c1")));
        Example example = timeline.examples.get(0);
        assertThat(example.getKind()).isEqualTo(ExampleKind.EXAMPLE_KIND_LISTWISE);
        assertThat(labels(example)).containsExactly(0.0, 1.0, 0.0);
        LabelledOption clicked = example.getOptions(1);
        assertThat(clicked.getServedScore()).isEqualTo(0.1);
        assertThat(clicked.getPlace()).isEqualTo(1);
        assertThat(clicked.getPropensity()).isEqualTo(0.5);
        assertThat(clicked.getIdsList()).containsExactly(101);
        assertThat(example.getPromptIdsList()).containsExactly(7);
        assertThat(example.getServedVersion()).isEqualTo(4);
        assertThat(example.getFeedbackList()).extracting(key -> key.getFeedbackId())
                .containsExactly("f");
        assertThat(example.getLabelledAtMillis()).isEqualTo(SERVED_AT + 500);
        assertThat(example.getLabelSequence()).isZero();
        assertThat(example.getExampleId()).matches("[0-9a-f]{64}");
        timeline.time(CLOSED_AT);
        assertThat(timeline.examples).as("no negative after a click").hasSize(1);
        assertThat(timeline.closed()).isTrue();
    }

    @Test
    void aSlateWithoutAnAnswerIsANegativeAtTheEndOfTheObservationWindow() {
        Timeline timeline = Timeline.open().impression(slate(3, 2)).time(OBSERVED_AT - 1);
        assertThat(timeline.examples).isEmpty();
        timeline.time(OBSERVED_AT);
        assertThat(labels(timeline.examples.get(0))).containsExactly(0.0, 0.0, 0.0);
        assertThat(timeline.examples.get(0).getFeedbackList()).isEmpty();
        timeline.time(CLOSED_AT);
        assertThat(timeline.examples).hasSize(1);
    }

    @Test
    void aClickAfterTheNegativeIsItsCorrection() {
        Timeline timeline = Timeline.open()
                .impression(slate(2, 0))
                .time(OBSERVED_AT)
                .feedback(taken("f", 20_000, click("c0")));
        assertThat(timeline.examples).extracting(Example::getLabelSequence).containsExactly(0, 1);
        assertThat(labels(timeline.examples.get(1))).containsExactly(1.0, 0.0);
    }

    @Test
    void onlyRankedSlatesSpeakBySilence() {
        for (Impression impression : List.of(answer(), scored())) {
            assertThat(Timeline.open().impression(impression).time(CLOSED_AT).examples).isEmpty();
        }
    }

    @Test
    void feedbackFirstWaitsForItsImpression() {
        Timeline timeline = Timeline.open().feedback(taken("f", 500, click("c1")));
        assertThat(timeline.held()).isEqualTo(1);
        timeline.impression(slate(3, 0));
        assertThat(timeline.held()).isZero();
        Timeline straight =
                Timeline.open().impression(slate(3, 0)).feedback(taken("f", 500, click("c1")));
        assertThat(timeline.examples).isEqualTo(straight.examples);
    }

    @Test
    void feedbackWhoseImpressionNeverComesIsUnmatched() {
        Timeline timeline =
                Timeline.open().feedback(taken("f", 0, click("c1"))).time(SERVED_AT + 29_999);
        assertThat(timeline.refused).isEmpty();
        timeline.time(SERVED_AT + 30_000);
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_UNMATCHED));
        assertThat(timeline.closed()).isTrue();
    }

    @Test
    void theSameEventTwiceIsOneEvent() {
        Timeline timeline = Timeline.open()
                .impression(slate(3, 0))
                .feedback(taken("f", 500, click("c1")), taken("f", 500, click("c1")));
        assertThat(timeline.examples).hasSize(1);
        assertThat(timeline.refused).isEmpty();
        assertThat(timeline.ignored).isEqualTo(1);
    }

    @Test
    void anotherEventThatSaysTheSameHasTheSameIdForTheStoreToClaimOnce() {
        Timeline timeline = Timeline.open()
                .impression(slate(3, 0))
                .feedback(taken("f", 500, click("c1")), taken("g", 600, click("c1")),
                        taken("h", 600, rating("c1", 0.9)));
        assertThat(timeline.examples).extracting(Example::getExampleId)
                .hasSize(3)
                .containsOnly(timeline.examples.get(0).getExampleId());
        assertThat(timeline.examples).extracting(Example::getLabelSequence).containsOnly(0);
        assertThat(timeline.refused).isEmpty();
    }

    @Test
    void whatIsHandedOnTellsWhetherItsAnswerIsKnownAlreadyAndForHowLongItMatters() {
        Timeline timeline = Timeline.open()
                .impression(slate(3, 0))
                .time(OBSERVED_AT)
                .feedback(taken("f", 10_500, click("c1")));
        assertThat(timeline.items).extracting(LoopItem::getFollows).containsExactly(false, true);
        assertThat(timeline.items).extracting(LoopItem::getAnswerClosesAtMillis)
                .containsOnly(CLOSED_AT);
        Timeline withdrawn = Timeline.open()
                .impression(slate(3, 0))
                .feedback(taken("w", 500, click("zz")), taken("f", 500, click("c1")),
                        taken("r", 600, retract("f")), taken("g", 700, click("c1")));
        assertThat(withdrawn.items).filteredOn(LoopItem::hasExample)
                .extracting(LoopItem::getFollows)
                .containsExactly(false, true);
    }

    @Test
    void eachChosenItemOfASlateIsAnExampleOfItsOwn() {
        Timeline timeline = Timeline.open()
                .impression(slate(3, 0))
                .feedback(taken("f", 500, click("c1")), taken("g", 600, click("c2")));
        assertThat(timeline.examples).hasSize(2);
        assertThat(labels(timeline.examples.get(0))).containsExactly(0.0, 1.0, 0.0);
        assertThat(labels(timeline.examples.get(1))).containsExactly(0.0, 0.0, 1.0);
    }

    @Test
    void aChangedMindIsACorrectionByReceiptAndBothAreLearnedFrom() {
        Timeline timeline = Timeline.open()
                .impression(slate(2, 0))
                .feedback(taken("f", 500, click("c1")), taken("g", 900, dismiss("c1")),
                        taken("h", 700, rating("c1", 1)));
        assertThat(timeline.examples).extracting(Example::getLabelSequence)
                .containsExactly(0, 1, 0);
        assertThat(timeline.examples).extracting(Example::getCorrects)
                .containsExactly(false, true, false);
        assertThat(labels(timeline.examples.get(1))).containsExactly(0.0, -1.0);
        assertThat(timeline.examples.get(2).getExampleId())
                .isEqualTo(timeline.examples.get(0).getExampleId());
        Timeline reversed = Timeline.open()
                .impression(slate(2, 0))
                .feedback(taken("g", 900, dismiss("c1")), taken("f", 500, click("c1")));
        assertThat(reversed.examples).extracting(Example::getExampleId)
                .containsExactly(
                        timeline.examples.get(1).getExampleId(),
                        timeline.examples.get(0).getExampleId());
    }

    @Test
    void signalsAreReadByTheKindOfTheirDecision() {
        assertThat(labelsOf(slate(2, 0), rating("c0", 0.5))).containsExactly(1.0, 0.0);
        assertThat(labelsOf(slate(2, 0), rating("c0", 0.49))).containsExactly(-1.0, 0.0);
        assertThat(labelsOf(slate(2, 0), reward("c0", 0.25))).containsExactly(0.25, 0.0);
        assertThat(labelsOf(slate(2, 0), reward("c0", -7))).containsExactly(-1.0, 0.0);
        assertThat(labelsOf(slate(2, 0), dismiss(""))).containsExactly(-1.0, -1.0);
        assertThat(labelsOf(scored(), reward("1", 1))).containsExactly(0.0, 1.0);
        assertThat(labelsOf(answer(), correction("Paris"))).containsExactly(1.0, 0.0);
    }

    @Test
    void aCorrectionIsATextToImitate() {
        Example example = Timeline.open()
                .impression(answer())
                .feedback(taken("f", 5, correction(" Paris"))).examples
                .get(0);
        assertThat(example.getKind()).isEqualTo(ExampleKind.EXAMPLE_KIND_SFT);
        assertThat(example.getOptions(0).getCandidateId()).isEqualTo(" Paris");
        assertThat(example.getOptions(0).getIdsList()).isEmpty();
        assertThat(example.getOptions(1).getIdsList()).as("what it corrects").containsExactly(9);
    }

    @Test
    void aThumbJudgesTheAnswerThatWasGivenAndMayBeTurned() {
        Timeline timeline = Timeline.open()
                .impression(answer())
                .feedback(taken("up", 5, thumb(true)), taken("down", 7, thumb(false)));
        assertThat(timeline.examples).extracting(Example::getKind)
                .containsOnly(ExampleKind.EXAMPLE_KIND_KTO);
        assertThat(timeline.examples).extracting(Example::getLabelSequence).containsExactly(0, 1);
        assertThat(timeline.examples).extracting(Example::getCorrects)
                .containsExactly(false, true);
        assertThat(timeline.examples).flatExtracting(AttributionTest::labels)
                .containsExactly(1.0, -1.0);
        assertThat(timeline.examples.get(0).getOptions(0).getIdsList()).containsExactly(9);
        assertThat(timeline.refused).isEmpty();
    }

    @Test
    void aThumbAndACorrectionOfOneAnswerTeachSideBySideInAnyOrder() {
        Timeline timeline = Timeline.open()
                .impression(answer())
                .feedback(taken("text", 9, correction("Paris")), taken("down", 5, thumb(false)));
        assertThat(timeline.examples).extracting(Example::getKind)
                .containsExactly(ExampleKind.EXAMPLE_KIND_SFT, ExampleKind.EXAMPLE_KIND_KTO);
        assertThat(timeline.examples).extracting(Example::getLabelSequence).containsOnly(0);
        assertThat(timeline.refused).isEmpty();
    }

    @Test
    void whatIsSentAgainIsJudgedAnewAndBecomesTheSameExample() {
        TakenFeedback click = taken("f", 500, click("c1"));
        TakenFeedback wrong = taken("w", 600, click("zz"));
        Timeline timeline = Timeline.open()
                .impression(slate(2, 0))
                .feedback(click, wrong, click, wrong,
                        click.toBuilder().setAgain(true).build(),
                        wrong.toBuilder().setAgain(true).build());
        assertThat(timeline.examples).hasSize(2);
        assertThat(timeline.examples.get(1)).isEqualTo(timeline.examples.get(0));
        assertThat(timeline.refused).containsOnly(Map.entry("w", REFUSAL_REASON_NOT_APPLICABLE));
    }

    @Test
    void signalsThatDoNotFitAreRefusedByReason() {
        Signal.Builder thumb = thumb(true);
        Signal.Builder preference = preferredTo("x");
        assertThat(refusalOf(slate(1, 1), click("c1"))).isEqualTo(REFUSAL_REASON_NOT_APPLICABLE);
        assertThat(refusalOf(slate(1, 1), click("zz"))).isEqualTo(REFUSAL_REASON_NOT_APPLICABLE);
        assertThat(refusalOf(slate(1, 1), correction("x")))
                .isEqualTo(REFUSAL_REASON_NOT_APPLICABLE);
        assertThat(refusalOf(slate(1, 1), thumb)).isEqualTo(REFUSAL_REASON_EVALUATION_ONLY);
        assertThat(refusalOf(answer(), click("c0"))).isEqualTo(REFUSAL_REASON_NOT_APPLICABLE);
        assertThat(refusalOf(scored(), preference)).isEqualTo(REFUSAL_REASON_EVALUATION_ONLY);
        assertThat(refusalOf(answer(), rendered(1))).isEqualTo(REFUSAL_REASON_NOT_APPLICABLE);
        assertThat(refusalOf(scored(), reward("2", 1))).isEqualTo(REFUSAL_REASON_NOT_APPLICABLE);
        assertThat(refusalOf(scored(), reward("", 1))).isEqualTo(REFUSAL_REASON_NOT_APPLICABLE);
        Impression bare = bare(slate(1, 0));
        assertThat(refusalOf(bare, click("c0"))).isEqualTo(REFUSAL_REASON_NO_ADAPTER);
        assertThat(Timeline.open().impression(bare).time(CLOSED_AT).examples).isEmpty();
    }

    private static Impression bare(Impression impression) {
        Impression.Builder bare = impression.toBuilder();
        bare.getVersionBuilder().clearAdapter();
        return bare.build();
    }

    @Test
    void theAttributionWindowIsHalfOpen() {
        Timeline timeline = Timeline.open()
                .impression(slate(2, 0))
                .time(CLOSED_AT - 1)
                .feedback(taken("f", 59_999, click("c0")), taken("g", 60_000, click("c1")));
        assertThat(timeline.examples).hasSize(2); // one of them of silence
        assertThat(timeline.refused).containsOnly(Map.entry("g", REFUSAL_REASON_LATE));
    }

    @Test
    void whatComesAfterTheWindowIsLateAndNothingIsRememberedForIt() {
        Timeline timeline = Timeline.open()
                .impression(slate(2, 0))
                .time(CLOSED_AT)
                .feedback(taken("f", 60_000, click("c0")), taken("g", 59_999, click("c0")));
        assertThat(timeline.closed()).isTrue();
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_LATE),
                Map.entry("g", REFUSAL_REASON_LATE));
        assertThat(timeline.details.get("f"))
                .isEqualTo("click came 60000 ms after the answer, allowed are less than 60000");
        assertThat(timeline.details.get("g")).contains("got here out of order");
    }

    @Test
    void whatIsLaterThanItsWindowIsLateAlsoWhereTheAnswerIsForgottenAndTokensLastLonger() {
        AttributionSettings dayLong = new AttributionSettings(Samples.SETTINGS.signals(),
                Duration.ofDays(1), Samples.SETTINGS.orphanTimeout(), 1, 256, 1 << 18, 1 << 26,
                1 << 28);
        Timeline timeline = new Timeline(new Attribution(dayLong, Samples.OPEN))
                .impression(slate(2, 0))
                .time(CLOSED_AT);
        assertThat(timeline.closed()).isTrue();
        timeline.feedback(taken("f", 60_000, click("c0")), taken("g", 59_999, click("c0")),
                taken("r", 60_001, retract("e")));
        assertThat(timeline.time(CLOSED_AT + 29_998).refused).as("its impression may be on its way")
                .isEmpty();
        timeline.time(CLOSED_AT + 30_001);
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_LATE),
                Map.entry("g", REFUSAL_REASON_UNMATCHED), Map.entry("r", REFUSAL_REASON_LATE));
        assertThat(timeline.details.get("f")).contains("came 60000 ms after an answer");
        assertThat(timeline.closed()).isTrue();
    }

    @Test
    void whatWaitsAndWhatIsLateAreToldApartBeforeTheImpressionComes() {
        Timeline timeline = Timeline.open()
                .feedback(taken("f", 70_000, click("c0")), taken("g", 5, click("c0")))
                .impression(slate(2, 0));
        assertThat(timeline.examples).hasSize(1);
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_LATE));
    }

    @Test
    void anImpressionThatCanNeverTrainLeavesNoMoreThanAWordBehind() {
        Impression endless = slate(1_000, 0);
        Impression bare = bare(endless);
        Timeline timeline = Timeline.open().impression(bare).feedback(taken("f", 5, click("c0")));
        assertThat(timeline.stateBytes()).isZero();
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_NO_ADAPTER));

        Impression refusing = endless.toBuilder().setConsent(Consent.CONSENT_NONE).build();
        timeline = new Timeline(new Attribution(Samples.SETTINGS, Samples.CONSENTING))
                .feedback(taken("first", 1, click("c0")))
                .impression(refusing)
                .feedback(taken("f", 5, click("c0")), taken("g", 6, click("c1")),
                        taken("r", 7, retract("f")));
        assertThat(timeline.stateBytes()).isLessThan(20);
        assertThat(timeline.refused).containsOnlyKeys("first", "f", "g", "r")
                .containsValue(REFUSAL_REASON_NO_CONSENT)
                .hasSize(4);
        assertThat(timeline.details.get("f")).contains("without consent");
        timeline.impression(refusing).time(CLOSED_AT - 1);
        assertThat(timeline.closed()).isFalse();
        assertThat(timeline.time(CLOSED_AT).closed()).isTrue();
        assertThat(timeline.examples).isEmpty();
    }

    @Test
    void whatWaitsForAnImpressionIsBoundedByItsBytes() {
        int bytes = taken("f", 0, correction("x".repeat(1_000))).getSerializedSize();
        AttributionSettings two = Samples.SETTINGS.withHeldBytes(2 * bytes, 2 * bytes);
        Timeline timeline = new Timeline(new Attribution(two, Samples.OPEN));
        for (int i = 0; i < 3; i++) {
            timeline.feedback(taken("" + i, 0, correction("x".repeat(1_000))));
        }
        assertThat(timeline.held()).isEqualTo(2);
        assertThat(timeline.refused).containsOnly(Map.entry("2", REFUSAL_REASON_CAPPED));
        timeline.impression(answer()).feedback(taken("3", 0, correction("y".repeat(9_000))));
        assertThat(timeline.refused).as("nothing waits any more").doesNotContainKey("3");
    }

    @Test
    void aRewardOfNothingSpeaksOfTheItemItNamesAlone() {
        Example example = Timeline.open()
                .impression(slate(3, 0))
                .feedback(taken("f", 5, reward("c1", -0.0))).examples
                .get(0);
        assertThat(example.getOptionsList()).extracting(LabelledOption::getCandidateId)
                .containsExactly("c1");
        assertThat(labels(example)).containsExactly(0.0);
        assertThat(labelsOf(scored(), reward("1", 0))).containsExactly(0.0);
    }

    @Test
    void oneImpressionTakesOnlySoManyEvents() {
        AttributionSettings two =
                Samples.SETTINGS.withEventsPerImpressionMax(2);
        Timeline timeline = new Timeline(new Attribution(two, Samples.OPEN))
                .impression(slate(3, 0))
                .feedback(taken("f", 1, click("c0")), taken("g", 2, click("c1")),
                        taken("h", 3, click("c2")));
        assertThat(timeline.examples).hasSize(2);
        assertThat(timeline.refused).containsOnly(Map.entry("h", REFUSAL_REASON_CAPPED));
    }

    @Test
    void negativesAreSampledByHashAndSayAtWhichRate() {
        AttributionSettings half =
                Samples.SETTINGS.withNegativeSamplingRate(0.5);
        Attribution attribution = new Attribution(half, Samples.OPEN);
        int kept = 0;
        for (int i = 0; i < 400; i++) {
            Impression impression = slate(10, 0).toBuilder().setImpressionId("imp" + i).build();
            Timeline first = new Timeline(attribution).impression(impression).time(OBSERVED_AT);
            Timeline again = new Timeline(attribution).impression(impression).time(OBSERVED_AT);
            assertThat(first.examples).isEqualTo(again.examples);
            for (Example example : first.examples) {
                assertThat(example.getSamplingRate()).isEqualTo(0.5);
                kept += example.getOptionsCount();
            }
        }
        // 4000 coins: three standard deviations are 95.
        assertThat(kept).isBetween(1_905, 2_095);
    }

    @Test
    void sampledSilenceCountsOnAverageForAllThatWasShown() {
        AttributionSettings some = Samples.SETTINGS.withNegativeSamplingRate(0.3);
        Attribution attribution = new Attribution(some, Samples.OPEN);
        int slates = 4_000;
        double sum = 0;
        for (int i = 0; i < slates; i++) {
            Impression impression = slate(4, 0).toBuilder().setImpressionId("imp" + i).build();
            Timeline timeline = new Timeline(attribution).impression(impression).time(OBSERVED_AT);
            for (Example example : timeline.examples) {
                // What training makes of it: the mean over its options, times weight over rate. An option's loss: 1 to 4.
                double mean = example.getOptionsList()
                        .stream()
                        .mapToInt(option -> option.getPlace() + 1)
                        .average()
                        .orElseThrow();
                sum += mean * example.getWeight() / example.getSamplingRate();
            }
        }
        // All four kept: 2.5. A slate's deviation is 2.1, so three standard errors are 0.1.
        assertThat(sum / slates).isCloseTo(2.5, within(0.1));
    }

    @Test
    void whatSaysItCameBeforeTheAnswerCountsAsIfItHadComeWithIt() {
        long seconds = SERVED_AT / 1_000 - SERVED_AT; // a producer that takes them for milliseconds
        Timeline seen = Timeline.open()
                .impression(slate(3, 0))
                .feedback(taken("r", seconds, rendered(2)))
                .time(OBSERVED_AT - 1);
        assertThat(seen.examples).isEmpty();
        seen.time(OBSERVED_AT);
        assertThat(seen.examples).extracting(Example::getLabelledAtMillis)
                .containsExactly(OBSERVED_AT);
        Timeline first = Timeline.open()
                .time(SERVED_AT + 29_999)
                .feedback(taken("f", seconds, click("c1")))
                .time(SERVED_AT + 29_999)
                .impression(slate(3, 0));
        assertThat(first.refused).isEmpty();
        assertThat(first.examples).extracting(Example::getLabelledAtMillis)
                .containsExactly(SERVED_AT);
    }

    private static List<Double> labels(Example example) {
        return example.getOptionsList().stream().map(LabelledOption::getLabel).toList();
    }

    private static List<Double> labelsOf(Impression impression, Signal.Builder signal) {
        return labels(
                Timeline.open().impression(impression).feedback(taken("f", 5, signal)).examples
                        .get(0));
    }

    private static Object refusalOf(Impression impression, Signal.Builder signal) {
        Timeline timeline = Timeline.open().impression(impression).feedback(taken("f", 5, signal));
        assertThat(timeline.examples).isEmpty();
        return timeline.refused.get("f");
    }
}
