package dev.flywheel.pipelines.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** The function in Flink's own test harness. */
class GuardFunctionTest {
    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final Duration REMEMBERED = Duration.ofHours(3);

    @Test
    void ofOneUserTheFirstPassAndTheOthersAreRefusedAdapterByAdapter() throws Exception {
        try (var guard = harness(GuardProfile.DEFAULT)) {
            guard.open();
            for (int i = 0; i < 10; i++) {
                guard.processElement(new StreamRecord<>(click("a", "u", START + i)));
            }
            guard.processElement(new StreamRecord<>(click("b", "u", START)));
            guard.processElement(new StreamRecord<>(click("a", "v", START)));
            assertThat(guard.extractOutputValues()).hasSize(8 + 1 + 1);
            assertThat(letters(guard)).hasSize(2)
                    .allSatisfy(
                            letter -> assertThat(letter.getRefused().getDetail()).isEqualTo(
                                    "profile default allows 8 examples of one user in PT1M"));
        }
    }

    @Test
    void whatPassesTellsWhenItsUserWasFirstSeen() throws Exception {
        try (var guard = harness(GuardProfile.DEFAULT)) {
            guard.open();
            guard.processElement(new StreamRecord<>(click("a", "u", START)));
            guard.processElement(new StreamRecord<>(click("a", "u", START + 5_000)));
            assertThat(guard.extractOutputValues()).extracting(LoopItem::getFirstSeenMillis)
                    .containsExactly(START, START);
        }
    }

    @Test
    void aUserWhoStaysAwayIsForgottenAndOneWhoComesBackIsNot() throws Exception {
        try (var guard = harness(GuardProfile.DEFAULT)) {
            guard.open();
            guard.processElement(new StreamRecord<>(click("a", "away", START)));
            guard.processElement(new StreamRecord<>(click("a", "back", START)));
            long later = START + Duration.ofHours(2).toMillis();
            guard.processWatermark(new Watermark(later));
            guard.processElement(new StreamRecord<>(click("a", "back", later)));
            assertThat(guard.numEventTimeTimers()).as("one a user").isEqualTo(2);
            guard.processWatermark(new Watermark(START + REMEMBERED.toMillis()));
            assertThat(guard.numKeyedStateEntries()).isEqualTo(1);
            guard.processWatermark(new Watermark(later + REMEMBERED.toMillis()));
            assertThat(guard.numKeyedStateEntries()).isZero();
            assertThat(guard.numEventTimeTimers()).isZero();
        }
    }

    @Test
    void aTrustedStreamLeavesNothingBehindUnlessItsAdapterHasCaps() throws Exception {
        try (var guard = harness(GuardProfile.TRUSTED_STREAM)) {
            guard.open();
            for (int i = 0; i < 100; i++) {
                guard.processElement(new StreamRecord<>(click("a", "u", START)));
            }
            assertThat(guard.numKeyedStateEntries()).isZero();
            LoopItem.Builder capped = click("b", "u", START).toBuilder();
            capped.getGuardBuilder().setClicksPerHourMax(3);
            for (int i = 0; i < 5; i++) {
                guard.processElement(new StreamRecord<>(capped.build()));
            }
            assertThat(guard.extractOutputValues()).hasSize(100 + 3);
        }
    }

    private static List<DeadLetter> letters(
            KeyedOneInputStreamOperatorTestHarness<String, LoopItem, LoopItem> guard) {
        return guard.getSideOutput(DeadLetters.REFUSED)
                .stream()
                .map(StreamRecord::getValue)
                .toList();
    }

    private static KeyedOneInputStreamOperatorTestHarness<String, LoopItem, LoopItem> harness(
            GuardProfile profile) throws Exception {
        var harness = new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new GuardFunction(GuardProfiles.of(profile), REMEMBERED,
                        new DeadLetters("guard", "topic", 1_000))),
                GuardFunction::keyOf, Types.STRING);
        harness.setup(MessageType.ofMessage(LoopItem.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    private static LoopItem click(String adapter, String user, long atMillis) {
        LabelledExample.Builder example = LabelledExample.newBuilder()
                .setExample(Example.newBuilder()
                        .setAdapter(adapter)
                        .setTenant("acme")
                        .setUser(user)
                        .setLabelledAtMillis(atMillis));
        example.getFeedbackBuilder()
                .getEventBuilder()
                .setSignal(Signal.newBuilder().setClick(Click.newBuilder().setCandidateId("c")));
        return LoopItem.newBuilder()
                .setAdapter(adapter)
                .setTenant("acme")
                .setUser(user)
                .setExample(example)
                .build();
    }
}
