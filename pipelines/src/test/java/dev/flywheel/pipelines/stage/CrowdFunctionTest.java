package dev.flywheel.pipelines.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Withdrawal;
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
class CrowdFunctionTest {
    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final long DAY = Duration.ofDays(1).toMillis();
    private static final GuardProfile THREE_OF_AN_ITEM = new GuardProfile("three", 0,
            Duration.ofMinutes(1), 0, false, GuardProfile.Budgets.NONE,
            new GuardProfile.Crowd(3, 0, Duration.ofHours(1)));

    @Test
    void anItemHasItsCapWhoeverSaysSoAndEachDirectionAndAdapterItsOwn() throws Exception {
        try (var crowd = harness(THREE_OF_AN_ITEM)) {
            crowd.open();
            for (int i = 0; i < 5; i++) {
                crowd.processElement(new StreamRecord<>(said("a", "x", 1, START + i, START)));
            }
            crowd.processElement(new StreamRecord<>(said("a", "x", -1, START, START)));
            crowd.processElement(new StreamRecord<>(said("a", "y", 1, START, START)));
            crowd.processElement(new StreamRecord<>(said("b", "x", 1, START, START)));
            crowd.processElement(new StreamRecord<>(said("a", "x", 1, START + 60_000, START)));
            assertThat(crowd.extractOutputValues()).hasSize(3 + 4);
            assertThat(details(crowd)).hasSize(2)
                    .containsOnly(
                            "profile three allows 3 examples about one item in PT1M");
        }
    }

    @Test
    void newcomersMayFollowTheOthersOnAnItemAndNotLeadThem() throws Exception {
        try (var crowd = harness(GuardProfile.DEFAULT)) {
            crowd.open();
            long later = START + 2 * DAY;
            int others = 2_000;
            for (int i = 0; i < others; i++) {
                crowd.processElement(new StreamRecord<>(
                        said("a", "liked", 1, later + i * 3_000L, START)));
            }
            long now = later + others * 3_000L;
            for (int i = 0; i < 20; i++) {
                crowd.processElement(new StreamRecord<>(said("a", "pushed", 1, now, now - 5)));
                crowd.processElement(new StreamRecord<>(said("a", "liked", 1, now, now - 5)));
            }
            long pushed = crowd.extractOutputValues()
                    .stream()
                    .filter(item -> item.getExample()
                            .getExample()
                            .getOptions(0)
                            .getCandidateId()
                            .equals("pushed"))
                    .count();
            assertThat(pushed).isEqualTo(1);
            assertThat(crowd.extractOutputValues().size() - others - pushed).as("followed")
                    .isBetween(3L, 12L);
            assertThat(details(crowd)).allSatisfy(
                    detail -> assertThat(detail).startsWith("profile default allows newcomers"));
        }
    }

    @Test
    void whatIsTakenBackPassesAndSilenceIsDroppedWithoutALetter() throws Exception {
        try (var crowd = harness(GuardProfile.DEFAULT)) {
            crowd.open();
            long later = START + 2 * DAY;
            crowd.processElement(new StreamRecord<>(said("a", "x", 1, later, START)));
            crowd.processElement(new StreamRecord<>(said("a", "x", 1, later + DAY, START)));
            for (int i = 0; i < 5; i++) {
                LoopItem said = said("a", "x", 1, later + DAY, later + DAY);
                crowd.processElement(new StreamRecord<>(said.toBuilder()
                        .setExample(said.getExample().toBuilder().clearFeedback())
                        .build()));
            }
            assertThat(crowd.extractOutputValues()).hasSizeLessThan(2 + 5);
            assertThat(crowd.getSideOutput(DeadLetters.REFUSED)).isNull();
            int before = crowd.extractOutputValues().size();
            crowd.processElement(new StreamRecord<>(LoopItem.newBuilder()
                    .setAdapter("a")
                    .setWithdrawal(Withdrawal.getDefaultInstance())
                    .build()));
            assertThat(crowd.extractOutputValues()).hasSize(before + 1);
        }
    }

    @Test
    void whatSaysNothingAnyMoreIsForgotten() throws Exception {
        try (var crowd = harness(GuardProfile.DEFAULT)) {
            crowd.open();
            for (int i = 0; i < 50; i++) {
                crowd.processElement(new StreamRecord<>(said("a", "x" + i, 1, START, START)));
            }
            assertThat(crowd.numEventTimeTimers()).isEqualTo(1);
            crowd.processWatermark(new Watermark(START + DAY));
            assertThat(crowd.numKeyedStateEntries()).as("the adapter alone").isEqualTo(1);
            crowd.processWatermark(new Watermark(START + 8 * DAY));
            assertThat(crowd.numKeyedStateEntries()).isZero();
            assertThat(crowd.numEventTimeTimers()).isZero();
        }
    }

    private static List<String> details(
            KeyedOneInputStreamOperatorTestHarness<String, LoopItem, LoopItem> crowd) {
        return crowd.getSideOutput(DeadLetters.REFUSED)
                .stream()
                .map(letter -> letter.getValue().getRefused().getDetail())
                .toList();
    }

    private static KeyedOneInputStreamOperatorTestHarness<String, LoopItem, LoopItem> harness(
            GuardProfile profile) throws Exception {
        var harness = new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new CrowdFunction(GuardProfiles.of(profile),
                        Duration.ofDays(7), new DeadLetters("crowd-guard", "topic", 1_000))),
                LoopItem::getAdapter, Types.STRING);
        harness.setup(MessageType.ofMessage(LoopItem.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    private static LoopItem said(String adapter, String item, double label, long atMillis,
            long firstSeenMillis) {
        LabelledExample.Builder example = LabelledExample.newBuilder()
                .setExample(Example.newBuilder()
                        .setAdapter(adapter)
                        .setLabelledAtMillis(atMillis)
                        .addOptions(LabelledOption.newBuilder()
                                .setCandidateId(item)
                                .setLabel(label)));
        example.getFeedbackBuilder()
                .getEventBuilder()
                .getSignalBuilder()
                .getClickBuilder()
                .setCandidateId(item);
        return LoopItem.newBuilder()
                .setAdapter(adapter)
                .setTenant("acme")
                .setExample(example)
                .setFirstSeenMillis(firstSeenMillis)
                .build();
    }
}
