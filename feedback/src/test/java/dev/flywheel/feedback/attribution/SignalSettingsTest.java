package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_CAPPED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_EVALUATION_ONLY;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_LATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_LABEL;
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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.SignalSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What an adapter's own settings change, signal by signal. */
class SignalSettingsTest {
    private static final LearningSettings.Builder BANDIT = LearningSettings.newBuilder()
            .setClick(loss(Loss.LOSS_BANDIT))
            .setDismiss(loss(Loss.LOSS_BANDIT))
            .setReward(loss(Loss.LOSS_BANDIT));

    @Test
    void whatIsSetGoesBeforeTheJobsSettingsFieldByField() {
        SignalRules rules = SignalRules.uniform(Duration.ofSeconds(10), Duration.ofSeconds(60))
                .under(LearningSettings.newBuilder()
                        .setClick(SignalSettings.newBuilder()
                                .setObservationMillis(0)
                                .setWeight(2))
                        .setThumb(SignalSettings.newBuilder()
                                .setAttributionMillis(999_999_999)
                                .setKlWeight(0))
                        .build(), Duration.ofSeconds(90));
        assertThat(rules.of(click("").getKindCase()))
                .isEqualTo(new SignalRule(Loss.LOSS_LISTWISE, 0, 0, 60_000, 2, null));
        assertThat(rules.of(thumb(true).getKindCase()))
                .isEqualTo(new SignalRule(Loss.LOSS_KTO, 0, 0, 90_000, 1, 0.0));
        assertThat(rules.of(rating("", 1).getKindCase()))
                .isEqualTo(SignalRule.spoken(Loss.LOSS_LISTWISE, 60_000));
    }

    @Test
    void aLossThatDoesNotFitAndSilenceOfWhatHasNoneAreRefusedByName() {
        SignalRules rules = SignalRules.uniform(Duration.ofSeconds(1), Duration.ofSeconds(2));
        assertThatThrownBy(() -> rules.with("thumb",
                rule -> SignalRule.spoken(Loss.LOSS_SFT, 2_000)))
                .hasMessageContaining(
                        "loss of thumb is LOSS_SFT, allowed are [LOSS_KTO, LOSS_NONE]");
        assertThatThrownBy(() -> rules.with("rating", rule -> rule.observed(5, 0)))
                .hasMessageContaining("observation window of rating is 5 ms, it must be 0");
    }

    @Test
    void eachSignalIsLateByItsOwnWindow() {
        Impression impression = with(slate(2, 0), LearningSettings.newBuilder()
                .setDismiss(SignalSettings.newBuilder().setAttributionMillis(5_000)));
        for (boolean impressionFirst : List.of(true, false)) {
            Timeline timeline = Timeline.open();
            timeline = impressionFirst ? timeline.impression(impression) : timeline;
            timeline.feedback(taken("f", 5_000, dismiss("c0")), taken("g", 5_000, click("c1")));
            timeline = impressionFirst ? timeline : timeline.impression(impression);
            assertThat(timeline.examples).hasSize(1);
            assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_LATE));
            assertThat(timeline.details.get("f"))
                    .isEqualTo("dismiss came 5000 ms after the answer, allowed are less than 5000");
        }
    }

    @Test
    void anAnswerIsRememberedOnlyAsLongAsItsAdapterLearnsFromWhatMayCome() {
        LearningSettings.Builder clicksOnly = LearningSettings.newBuilder()
                .setReward(loss(Loss.LOSS_NONE));
        for (String signal : List.of("click", "dismiss", "rating")) {
            clicksOnly.setField(LearningSettings.getDescriptor().findFieldByName(signal),
                    SignalSettings.newBuilder().setAttributionMillis(20_000).build());
        }
        Timeline timeline = Timeline.open().impression(with(slate(2, 0), clicksOnly));
        assertThat(timeline.time(SERVED_AT + 19_999).closed()).isFalse();
        assertThat(timeline.time(SERVED_AT + 20_000).closed()).isTrue();
        assertThat(Timeline.open().impression(slate(2, 0)).time(SERVED_AT + 20_000).closed())
                .isFalse();
    }

    @Test
    void whereMemoryIsShortAnAnswerIsForgottenAtTheEndOfTheFirstWindow() {
        Impression impression = with(slate(2, 0), LearningSettings.newBuilder()
                .setClick(SignalSettings.newBuilder().setAttributionMillis(20_000)));
        Timeline timeline = Timeline.open().impression(impression);
        timeline.memoryIsShort = true;
        assertThat(timeline.time(SERVED_AT + 19_999).closed()).isFalse();
        assertThat(timeline.time(SERVED_AT + 20_000).closed()).isTrue();
        assertThat(timeline.examples).as("silence").hasSize(1);
    }

    @Test
    void whatIsSaidOfAnAnswerThatDidNotFitInIsCapped() {
        Timeline timeline = Timeline.open().feedback(taken("first", 1, click("c0")));
        timeline.room = 10;
        timeline.impression(slate(9, 0)).feedback(taken("f", 5, click("c0")));
        assertThat(timeline.refused).containsOnly(Map.entry("first", REFUSAL_REASON_CAPPED),
                Map.entry("f", REFUSAL_REASON_CAPPED));
        assertThat(timeline.details.get("f")).contains("loop.remembered_bytes_max");
        assertThat(timeline.stateBytes()).isBetween(1, 20);
        assertThat(timeline.time(CLOSED_AT).closed()).isTrue();
    }

    @Test
    void renderedStartsTheWindowAndLimitsSilenceToWhatWasSeenWheneverItArrives() {
        Impression impression = with(slate(4, 0), LearningSettings.newBuilder()
                .setClick(SignalSettings.newBuilder().setRenderedMillis(3_000)));
        Timeline before = Timeline.open().feedback(taken("r", 2_000, rendered(2)));
        Timeline after = Timeline.open().impression(impression);
        before.impression(impression);
        after.feedback(taken("r", 2_000, rendered(2)));
        for (Timeline timeline : List.of(before, after)) {
            assertThat(timeline.time(SERVED_AT + 4_999).examples).isEmpty();
            Example silent = timeline.time(SERVED_AT + 5_000).examples.get(0);
            assertThat(items(silent)).containsExactly("c0", "c1");
            assertThat(silent.getLabelledAtMillis()).isEqualTo(SERVED_AT + 5_000);
            assertThat(timeline.refused).containsOnly(Map.entry("r", REFUSAL_REASON_NO_LABEL));
            timeline.feedback(taken("f", 5_001, click("c3")));
            assertThat(timeline.examples.get(1).getCorrects()).as("was not seen").isFalse();
            assertThat(timeline.time(CLOSED_AT).examples).hasSize(2);
        }
    }

    @Test
    void ofSeveralRenderedTheFirstStartsTheWindowAndTheMostPlacesCount() {
        Timeline timeline = Timeline.open()
                .impression(slate(5, 0))
                .feedback(taken("b", 3_000, rendered(3)), taken("a", 1_000, rendered(1)),
                        taken("tooLate", 11_000, rendered(0)))
                .time(CLOSED_AT);
        assertThat(items(timeline.examples.get(0))).containsExactly("c0", "c1", "c2");
        assertThat(timeline.examples.get(0).getLabelledAtMillis()).isEqualTo(SERVED_AT + 11_000);
    }

    @Test
    void withoutRenderedTheExaminedPlacesAreTakenForSeen() {
        Impression impression =
                with(slate(4, 0), LearningSettings.newBuilder().setExaminedPlaces(1));
        Timeline timeline = Timeline.open().impression(impression).time(OBSERVED_AT);
        assertThat(items(timeline.examples.get(0))).containsExactly("c0");
    }

    @Test
    void aBinaryClickSpeaksOfItsItemAndSilenceOfTheOthersThatWereSeen() {
        Impression impression = with(slate(4, 1), LearningSettings.newBuilder()
                .setExaminedPlaces(3)
                .setClick(loss(Loss.LOSS_BINARY).toBuilder().setWeight(2).setKlWeight(0.5)));
        Timeline timeline = Timeline.open()
                .impression(impression)
                .feedback(taken("f", 5, click("c1")))
                .time(OBSERVED_AT)
                .feedback(taken("g", 20_000, click("c2")), taken("h", 20_000, click("c3")));
        assertThat(timeline.examples).extracting(Example::getKind)
                .containsOnly(ExampleKind.EXAMPLE_KIND_BINARY);
        assertThat(timeline.examples).extracting(SignalSettingsTest::items)
                .containsExactly(
                        List.of("c1"), List.of("c0", "c2"), List.of("c2"), List.of("c3"));
        assertThat(timeline.examples).extracting(Example::getSignal)
                .containsExactly("click", "silence", "click", "click");
        assertThat(timeline.examples).extracting(Example::getWeight).containsOnly(2.0);
        assertThat(timeline.examples).as("all that was shown, whatever was seen or taken")
                .extracting(Example::getSlateItems)
                .containsOnly(4);
        assertThat(timeline.examples).extracting(Example::getKlWeight).containsOnly(0.5);
        assertThat(timeline.examples).extracting(Example::getServedAtMillis)
                .containsOnly(SERVED_AT);
        assertThat(timeline.examples).extracting(Example::getCorrects)
                .containsExactly(false, false, true, false);
        assertThat(timeline.examples.get(0).getScoring().getVerdict()).isTrue();
    }

    @Test
    void aBanditLearnsWhatItsChoiceBroughtAndNothingOfTheTopPlaceFromSilence() {
        Impression impression = with(slate(3, 1), BANDIT);
        Timeline timeline = Timeline.open()
                .impression(impression)
                .feedback(taken("f", 5, reward("c1", 0.25)), taken("g", 6, dismiss("")));
        assertThat(timeline.examples).extracting(SignalSettingsTest::labels)
                .containsExactly(List.of(0.0, 0.25, 0.0, 0.0), List.of(-1.0, 0.0, 0.0, 0.0));
        assertThat(timeline.examples).extracting(Example::getAction).containsExactly(1, 0);
        Timeline silent = Timeline.open().impression(impression).time(CLOSED_AT);
        assertThat(silent.examples).extracting(SignalSettingsTest::labels)
                .containsExactly(List.of(0.0, 0.0, 0.0, 0.0));
        assertThat(silent.examples).allMatch(Example::hasAction)
                .extracting(Example::getAction)
                .containsExactly(0);
    }

    @Test
    void aBanditsExampleHoldsAllThatTheChoiceWasMadeFrom() {
        Impression.Builder turned = slate(1, 2).toBuilder();
        turned.getCandidatesBuilder(0).setPlace(-1).setPropensity(0);
        turned.getCandidatesBuilder(2).setPlace(0).setPropensity(0.25);
        Timeline timeline = Timeline.open()
                .impression(with(turned.build(), BANDIT))
                .feedback(taken("f", 5, click("c2")))
                .time(CLOSED_AT);
        Timeline silent = Timeline.open()
                .impression(with(turned.build(), BANDIT))
                .time(CLOSED_AT);
        for (Example example : List.of(timeline.examples.get(0), silent.examples.get(0))) {
            assertThat(items(example)).containsExactly("c0", "c1", "c2");
            assertThat(example.getOptionsList()).extracting(LabelledOption::getPlace)
                    .containsExactly(-1, -1, 0);
            assertThat(example.getOptionsList()).extracting(LabelledOption::getServedScore)
                    .containsExactly(0.0, 0.1, 0.2);
            assertThat(example.getOptionsList()).extracting(LabelledOption::getPropensity)
                    .containsExactly(0.0, 0.0, 0.25);
            assertThat(example.getOptions(0).getIdsList()).containsExactly(100);
            assertThat(example.getAction()).isEqualTo(2);
        }
    }

    @Test
    void aRewardOfZeroIsOfTheItemThatItNames() {
        Timeline timeline = Timeline.open()
                .impression(with(slate(3, 0), BANDIT))
                .feedback(taken("f", 5, reward("c2", 0)));
        assertThat(timeline.examples).extracting(SignalSettingsTest::labels)
                .containsExactly(List.of(0.0, 0.0, 0.0));
        assertThat(timeline.examples).extracting(Example::getAction).containsExactly(2);
    }

    @Test
    void aBanditsSilenceIsOfTheTopPlaceAndIsCorrectedByWhatIsSaidOfThatAlone() {
        for (String item : List.of("c0", "c1")) {
            Timeline timeline = Timeline.open()
                    .impression(with(slate(3, 0), BANDIT))
                    .time(OBSERVED_AT)
                    .feedback(taken("f", 11_000, click(item)));
            assertThat(timeline.examples).hasSize(2);
            assertThat(timeline.examples.get(1).getCorrects()).as(item)
                    .isEqualTo(
                            item.equals("c0"));
        }
    }

    @Test
    void aRewardWithAnObservationWindowIsAConversionWhoseSilenceOneThatComesLaterCorrects() {
        Impression impression = with(slate(2, 0), LearningSettings.newBuilder()
                .setReward(SignalSettings.newBuilder()
                        .setLoss(Loss.LOSS_BINARY)
                        .setObservationMillis(30_000)));
        Timeline timeline = Timeline.open()
                .impression(impression)
                .feedback(taken("click", 5, click("c0")))
                .time(SERVED_AT + 30_000)
                .feedback(taken("sale", 40_000, reward("c0", 1)));
        assertThat(timeline.examples).extracting(Example::getSignal)
                .containsExactly("click", "silence", "reward");
        assertThat(items(timeline.examples.get(1))).as("clicks are no sales")
                .containsExactly("c0", "c1");
        assertThat(timeline.examples.get(2).getCorrects()).isTrue();
    }

    @Test
    void whatIsWithdrawnInTheWindowBreaksNoSilenceAndWhatIsWithdrawnAfterItDid() {
        Timeline inTime = Timeline.open()
                .impression(slate(2, 0))
                .feedback(taken("f", 5, click("c0")), taken("r", 9, retract("f")));
        assertThat(inTime.time(OBSERVED_AT).examples).hasSize(2);
        for (boolean retractionFirst : List.of(true, false)) {
            Timeline later = Timeline.open().impression(slate(2, 0));
            if (retractionFirst) {
                later.feedback(taken("r", 11_000, retract("f")), taken("f", 5, click("c0")));
            } else {
                later.feedback(taken("f", 5, click("c0")), taken("r", 11_000, retract("f")));
            }
            assertThat(later.time(CLOSED_AT).examples).extracting(Example::getSignal)
                    .doesNotContain("silence");
        }
    }

    @Test
    void aPreferenceIsHalfAPairUntilTheOtherAnswerIsAddedAndItsWithdrawalGoesTheSameWay() {
        Impression impression = with(answer(), LearningSettings.newBuilder()
                .setGuard(GuardSettings.newBuilder().setRoundShareMax(0.5)));
        Timeline timeline = Timeline.open()
                .impression(impression)
                .feedback(taken("f", 5, preferredTo("other")), taken("r", 9, retract("f")));
        Example half = timeline.examples.get(0);
        assertThat(half.getKind()).isEqualTo(ExampleKind.EXAMPLE_KIND_DPO);
        assertThat(labels(half)).containsExactly(1.0);
        assertThat(half.getOptions(0).getIdsList()).containsExactly(9);
        assertThat(half.getRejectedImpressionId()).isEqualTo("other");
        assertThat(timeline.items).extracting(LoopItem::getRejectedImpressionId)
                .containsExactly("other", "other");
        assertThat(timeline.items).extracting(item -> item.getGuard().getRoundShareMax())
                .containsOnly(0.5);
        assertThat(timeline.items).extracting(LoopItem::getAdapter).containsOnly("a");
    }

    @Test
    void whatAnAdapterDoesNotLearnFromIsKeptForEvaluation() {
        Impression impression = with(answer(), LearningSettings.newBuilder()
                .setCorrection(loss(Loss.LOSS_NONE)));
        Timeline timeline = Timeline.open()
                .impression(impression)
                .feedback(taken("f", 5, correction("x")), taken("g", 5, thumb(true)));
        assertThat(timeline.examples).hasSize(1);
        assertThat(timeline.refused)
                .containsOnly(Map.entry("f", REFUSAL_REASON_EVALUATION_ONLY));
        Impression noVerdict = with(scored(), LearningSettings.newBuilder()
                .setReward(loss(Loss.LOSS_BINARY)));
        assertThat(Timeline.open()
                .impression(noVerdict)
                .feedback(taken("f", 5, reward("1", 1))).refused)
                .containsOnly(Map.entry("f", REFUSAL_REASON_EVALUATION_ONLY));
    }

    @Test
    void whatIsKeptForEvaluationCountsThereLikeAnExampleAndEndsRefused() {
        Impression impression = with(slate(3, 0), LearningSettings.newBuilder()
                .setClick(loss(Loss.LOSS_NONE)));
        Timeline timeline = Timeline.open()
                .impression(impression)
                .feedback(taken("f", 5, click("c1")), taken("f", 5, click("c1")),
                        taken("g", 9, dismiss("c1")), taken("t", 10, thumb(true)),
                        taken("r", 12, retract("f")));

        assertThat(timeline.evaluated).extracting(Example::getSignal)
                .containsExactly("click", "thumb");
        Example click = timeline.evaluated.get(0);
        assertThat(items(click)).containsExactly("c0", "c1", "c2");
        assertThat(labels(click)).containsExactly(0.0, 1.0, 0.0);
        assertThat(click.getOptions(1).getServedScore()).isEqualTo(0.1);
        assertThat(click.getServedVersion()).isEqualTo(4);
        assertThat(click.getLabelledAtMillis()).isEqualTo(SERVED_AT + 5);
        assertThat(timeline.evaluated.get(1).getOptionsList()).isEmpty();
        assertThat(timeline.examples).extracting(Example::getSignal).containsExactly("dismiss");
        assertThat(timeline.examples.get(0).getCorrects()).as("nothing was learned before")
                .isFalse();
        assertThat(timeline.items).filteredOn(item -> !item.hasWithdrawal())
                .extracting(LoopItem::getFollows)
                .containsExactly(false, true, true);
        assertThat(timeline.refusedKeys).hasSize(2);
        assertThat(timeline.refused).containsOnly(Map.entry("f", REFUSAL_REASON_EVALUATION_ONLY),
                Map.entry("t", REFUSAL_REASON_EVALUATION_ONLY));
        assertThat(timeline.retractions).extracting(FeedbackKey::getFeedbackId)
                .containsExactly("r");
        assertThat(timeline.ignored).isEqualTo(1);
        assertThat(timeline.time(CLOSED_AT).examples).hasSize(1);
    }

    private static SignalSettings loss(Loss loss) {
        return SignalSettings.newBuilder().setLoss(loss).build();
    }

    private static Impression with(Impression impression, LearningSettings.Builder learning) {
        return impression.toBuilder().setLearning(learning).build();
    }

    private static List<String> items(Example example) {
        return example.getOptionsList().stream().map(LabelledOption::getCandidateId).toList();
    }

    private static List<Double> labels(Example example) {
        return example.getOptionsList().stream().map(LabelledOption::getLabel).toList();
    }
}
