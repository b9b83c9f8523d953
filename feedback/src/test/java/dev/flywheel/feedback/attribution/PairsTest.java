package dev.flywheel.feedback.attribution;

import static dev.flywheel.feedback.attribution.Preferences.compared;
import static dev.flywheel.feedback.attribution.Preferences.other;
import static dev.flywheel.feedback.attribution.Preferences.preferred;
import static dev.flywheel.feedback.attribution.Preferences.withdrawn;
import static dev.flywheel.feedback.attribution.Samples.CLOSED_AT;
import static dev.flywheel.feedback.attribution.Samples.SERVED_AT;
import static dev.flywheel.feedback.attribution.Samples.SETTINGS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.PairState;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.VersionRef;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PairsTest {
    private static final long ORPHANED_AFTER = SETTINGS.orphanTimeout().toMillis();

    private final Pairs pairs = new Pairs(SETTINGS);

    @Test
    void aPreferenceGetsTheOtherAnswerAsTheOneThatWasNotPreferred() {
        PairStep known = pairs.onAnswer(null, compared(other()));
        PairStep step = pairs.onItem(known.state(), preferred("f", 5).build());
        LoopItem whole = passed(step).get(0);
        assertThat(whole.getExample().getExample().getOptionsList())
                .containsExactly(preferred("f", 5).getExample().getExample().getOptions(0),
                        LabelledOption.newBuilder()
                                .setCandidateId("answer")
                                .addIds(31)
                                .addIds(32)
                                .setLabel(-1)
                                .setServedScore(-4.5)
                                .build());
        assertThat(step.state()).as("another preference may follow").isEqualTo(known.state());
    }

    @Test
    void aPreferenceThatComesFirstWaitsForTheOtherAnswer() {
        PairStep waiting = pairs.onItem(null, preferred("f", 5).build());
        assertThat(passed(waiting)).isEmpty();
        assertThat(waiting.effects())
                .containsExactly(new PairEffect.WakeAt(SERVED_AT + 5 + ORPHANED_AFTER));
        PairStep joined = pairs.onAnswer(waiting.state(), compared(other()));
        assertThat(passed(joined)).hasSize(1);
        assertThat(joined.state().getHeldCount()).isZero();
    }

    @Test
    void aPreferenceWhoseOtherAnswerDoesNotComeEndsUnmatched() {
        PairState waiting = pairs.onItem(null, preferred("f", 5).build()).state();
        assertThat(pairs.onTime(waiting, SERVED_AT + 4 + ORPHANED_AFTER).effects()).isEmpty();
        PairStep step = pairs.onTime(waiting, SERVED_AT + 5 + ORPHANED_AFTER);
        assertThat(refusals(step)).containsExactly(RefusalReason.REFUSAL_REASON_UNMATCHED);
        assertThat(step.state()).isNull();
    }

    static Stream<Arguments> unlike() {
        return Stream.of(
                Arguments.of(other().setTenant("other"), "not given to the same tenant and user",
                        RefusalReason.REFUSAL_REASON_FORGED),
                Arguments.of(other().setUser("v"), "not given to the same tenant and user",
                        RefusalReason.REFUSAL_REASON_FORGED),
                Arguments.of(other().setVersion(VersionRef.newBuilder().setAdapter("b")),
                        "is of adapter b, the preferred one of a",
                        RefusalReason.REFUSAL_REASON_NOT_APPLICABLE),
                Arguments.of(other().addPromptIds(9), "is to another prompt",
                        RefusalReason.REFUSAL_REASON_NOT_APPLICABLE),
                Arguments.of(
                        other().setCandidates(0,
                                other().getCandidates(0).toBuilder().clearIds().addIds(21)),
                        "says the same", RefusalReason.REFUSAL_REASON_NOT_APPLICABLE));
    }

    @ParameterizedTest
    @MethodSource("unlike")
    void answersThatCannotBeComparedAreRefusedWhicheverComesFirst(Impression.Builder unlike,
            String why, RefusalReason reason) {
        ComparedAnswer answer = compared(unlike);
        LoopItem item = preferred("f", 5).build();
        PairStep after = pairs.onItem(pairs.onAnswer(null, answer).state(), item);
        PairStep before = pairs.onAnswer(pairs.onItem(null, item).state(), answer);
        for (PairStep step : List.of(after, before)) {
            assertThat(refusals(step)).containsExactly(reason);
            assertThat(step.effects()).last()
                    .satisfies(each -> assertThat(((PairEffect.Refuse) each).detail())
                            .contains(why));
            assertThat(passed(step)).isEmpty();
        }
    }

    @Test
    void anAnswerWithoutConsentIsNotComparedAndLeavesNoneOfItsWordsBehind() {
        ComparedAnswer answer = pairs.compared(other().build(), false).orElseThrow();
        assertThat(answer.getIdsList()).isEmpty();
        assertThat(answer.getPromptDigest()).isEmpty();
        PairStep step =
                pairs.onItem(pairs.onAnswer(null, answer).state(), preferred("f", 5).build());
        assertThat(refusals(step)).containsExactly(RefusalReason.REFUSAL_REASON_NO_CONSENT);
    }

    @Test
    void slatesAndAnswersOfTheBareBaseAreNotRemembered() {
        assertThat(pairs.compared(
                other().setKind(DecisionKind.DECISION_KIND_RANK).build(), true)).isEmpty();
        assertThat(pairs.compared(other().clearVersion().build(), true)).isEmpty();
    }

    @Test
    void anAnswerIsForgottenWhenItsWindowIsOver() {
        PairStep known = pairs.onAnswer(null, compared(other()));
        assertThat(known.effects()).containsExactly(new PairEffect.WakeAt(CLOSED_AT));
        assertThat(pairs.onTime(known.state(), CLOSED_AT - 1).state()).isEqualTo(known.state());
        assertThat(pairs.onTime(known.state(), CLOSED_AT).state()).isNull();
    }

    @Test
    void aWithdrawalFollowsThePreferenceThatItWithdraws() {
        PairState known = pairs.onAnswer(null, compared(other())).state();
        pairs.onItem(known, preferred("f", 5).build());
        LoopItem withdrawal = withdrawn("f", "r", 6);
        PairStep step = pairs.onItem(known, withdrawal);
        assertThat(passed(step)).containsExactly(withdrawal);
        assertThat(refusals(step)).isEmpty();
    }

    @Test
    void aPreferenceThatIsWithdrawnWhileItWaitsIsRefusedAndTheStoreStillHearsOfIt() {
        PairState waiting = pairs.onItem(null, preferred("f", 5).build()).state();
        waiting = pairs.onItem(waiting, preferred("g", 6).build()).state();
        LoopItem withdrawal = withdrawn("f", "r", 7);
        PairStep step = pairs.onItem(waiting, withdrawal);
        assertThat(refusals(step)).containsExactly(RefusalReason.REFUSAL_REASON_RETRACTED);
        assertThat(passed(step)).containsExactly(withdrawal);
        PairStep joined = pairs.onAnswer(step.state(), compared(other()));
        assertThat(passed(joined)).extracting(each -> each.getExample().getExample().getExampleId())
                .containsExactly("example-of-g");
    }

    @Test
    void whoWithdrawsAPreferenceLeavesOthersThatSayTheSame() {
        PairState waiting = pairs.onItem(null, preferred("f", "same", 5).build()).state();
        waiting = pairs.onItem(waiting, preferred("g", "same", 6).build()).state();
        PairStep step = pairs.onItem(waiting, withdrawn("f", "same", "r", 7));
        assertThat(refusals(step)).containsExactly(RefusalReason.REFUSAL_REASON_RETRACTED);
        PairStep joined = pairs.onAnswer(step.state(), compared(other()));
        assertThat(passed(joined))
                .extracting(each -> each.getExample().getFeedback().getEvent().getFeedbackId())
                .containsExactly("g");
    }

    @Test
    void aPreferenceThatWasReceivedWhenTheOtherAnswersWindowWasOverIsLateWhicheverComesFirst() {
        ComparedAnswer answer = compared(other());
        long window = CLOSED_AT - SERVED_AT;
        LoopItem last = preferred("f", window - 1).build();
        LoopItem late = preferred("g", window).build();
        PairState known = pairs.onAnswer(null, answer).state();
        PairState waiting = pairs.onItem(pairs.onItem(null, last).state(), late).state();
        for (List<PairEffect> effects : List.of(pairs.onAnswer(waiting, answer).effects(),
                both(pairs.onItem(known, last), pairs.onItem(known, late)))) {
            PairStep step = new PairStep(null, effects);
            assertThat(passed(step)).hasSize(1);
            assertThat(refusals(step)).containsExactly(RefusalReason.REFUSAL_REASON_LATE);
        }
    }

    private static List<PairEffect> both(PairStep first, PairStep second) {
        return Stream.concat(first.effects().stream(), second.effects().stream()).toList();
    }

    @Test
    void whatWaitsForOneAnswerIsBoundedInBytes() {
        LoopItem item = preferred("f", 5).build();
        Pairs small = new Pairs(SETTINGS.withHeldBytes(2L * item.getSerializedSize(), 1 << 20));
        PairState waiting = small.onItem(null, item).state();
        waiting = small.onItem(waiting, preferred("g", 5).build()).state();
        PairStep step = small.onItem(waiting, preferred("h", 5).build());
        assertThat(refusals(step)).containsExactly(RefusalReason.REFUSAL_REASON_CAPPED);
        assertThat(step.state()).isEqualTo(waiting);
    }

    private static List<LoopItem> passed(PairStep step) {
        return step.effects()
                .stream()
                .filter(PairEffect.Pass.class::isInstance)
                .map(each -> ((PairEffect.Pass) each).item())
                .toList();
    }

    private static List<RefusalReason> refusals(PairStep step) {
        return step.effects()
                .stream()
                .filter(PairEffect.Refuse.class::isInstance)
                .map(each -> ((PairEffect.Refuse) each).reason())
                .toList();
    }
}
