package dev.flywheel.pipelines.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.attribution.Pairs;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** The function in Flink's own test harness: what it keeps of many answers together. */
class PairFunctionTest {
    private static final long SERVED_AT = 1_000_000;
    private static final AttributionSettings SETTINGS = AttributionSettings.of(
            Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofSeconds(30));
    private static final int BYTES = answer("0").getSerializedSize();

    @Test
    void answersAreRememberedUpToSoManyBytesAlsoAfterARestart() throws Exception {
        OperatorSubtaskState checkpoint;
        try (var job = harness()) {
            job.open();
            for (int i = 0; i < 3; i++) {
                job.processElement1(new StreamRecord<>(answer("" + i)));
                job.processElement2(new StreamRecord<>(preference("" + i)));
            }
            assertThat(job.extractOutputValues())
                    .extracting(LoopItem::getRejectedImpressionId)
                    .containsExactly("0", "1");
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness()) {
            job.initializeState(checkpoint);
            job.open();
            job.processElement1(new StreamRecord<>(answer("3")));
            job.processElement2(new StreamRecord<>(preference("3")));
            assertThat(job.extractOutputValues()).isEmpty();
            // The ones that are remembered end their windows; there is room again.
            job.processBothWatermarks(
                    new Watermark(SERVED_AT + 60_000));
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_UNMATCHED,
                    RefusalReason.REFUSAL_REASON_UNMATCHED);
            job.processElement1(new StreamRecord<>(answer("4")));
            job.processElement2(new StreamRecord<>(preference("4")));
            assertThat(job.extractOutputValues()).hasSize(1);
        }
    }

    @Test
    void aCheckpointKeepsThePreferencesThatWait() throws Exception {
        OperatorSubtaskState checkpoint;
        try (var job = harness()) {
            job.open();
            job.processElement2(new StreamRecord<>(preference("0")));
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness()) {
            job.initializeState(checkpoint);
            job.open();
            job.processElement1(new StreamRecord<>(answer("0")));
            assertThat(job.extractOutputValues())
                    .extracting(each -> each.getExample().getExample().getOptionsCount())
                    .containsExactly(2);
        }
    }

    private static List<RefusalReason> refusals(
            KeyedTwoInputStreamOperatorTestHarness<String, ComparedAnswer, LoopItem,
                    LoopItem> job) {
        return job.getSideOutput(DeadLetters.REFUSED)
                .stream()
                .map(StreamRecord::getValue)
                .map(DeadLetter::getRefused)
                .map(each -> each.getReason())
                .toList();
    }

    /** Remembers two answers. */
    private static KeyedTwoInputStreamOperatorTestHarness<String, ComparedAnswer, LoopItem,
            LoopItem> harness()
                    throws Exception {
        var harness = new KeyedTwoInputStreamOperatorTestHarness<>(
                new KeyedCoProcessOperator<>(new PairFunction(SETTINGS, 2L * BYTES,
                        new DeadLetters("pairs", "feedback", 100))),
                ComparedAnswer::getImpressionId, LoopItem::getRejectedImpressionId, Types.STRING);
        harness.setup(MessageType.ofMessage(LoopItem.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    private static ComparedAnswer answer(String id) {
        return new Pairs(SETTINGS).compared(Impression.newBuilder()
                .setImpressionId(id)
                .setTenant("acme")
                .setKind(DecisionKind.DECISION_KIND_GENERATE)
                .setServedAtMillis(SERVED_AT)
                .setVersion(VersionRef.newBuilder().setAdapter("a"))
                .addPromptIds(7)
                .addCandidates(ShownCandidate.newBuilder().setId("answer").addIds(9))
                .build(), true).orElseThrow();
    }

    private static LoopItem preference(String other) {
        return LoopItem.newBuilder()
                .setAdapter("a")
                .setTenant("acme")
                .setRejectedImpressionId(other)
                .setExample(LabelledExample.newBuilder()
                        .setExample(Example.newBuilder()
                                .setExampleId("e" + other)
                                .setAdapter("a")
                                .setTenant("acme")
                                .addPromptIds(7)
                                .addOptions(LabelledOption.newBuilder().addIds(8).setLabel(1)))
                        .setFeedback(TakenFeedback.newBuilder()
                                .setEvent(FeedbackEvent.newBuilder()
                                        .setFeedbackId("f" + other)
                                        .setReceivedAtMillis(SERVED_AT + 1))))
                .build();
    }
}
