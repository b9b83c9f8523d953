package dev.flywheel.pipelines.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.Withdrawal;
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
class EvaluationFunctionTest {
    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final EvaluationLimits LIMITS =
            new EvaluationLimits(Duration.ofSeconds(10), 4, 5);

    @Test
    void everythingIsHandedOnAtOnceAndFiguresAreToldOnceASecond() throws Exception {
        try (var job = harness(LIMITS)) {
            job.open();
            job.setProcessingTime(0);
            for (int i = 0; i < 5; i++) {
                job.processElement(new StreamRecord<>(click("i" + i, START + i, 0)));
            }
            job.processElement(new StreamRecord<>(LoopItem.newBuilder()
                    .setAdapter("a")
                    .setWithdrawal(Withdrawal.getDefaultInstance())
                    .build()));
            assertThat(job.extractOutputValues()).hasSize(6);
            assertThat(told(job)).isEmpty();
            job.setProcessingTime(999);
            assertThat(told(job)).isEmpty();
            job.setProcessingTime(1_000);
            assertThat(told(job)).hasSize(1);
            assertThat(told(job).get(0).getExamples()).isEqualTo(5);
            job.setProcessingTime(60_000);
            assertThat(told(job)).as("nothing has changed").hasSize(1);
        }
    }

    @Test
    void aWindowIsToldWhenItCloses() throws Exception {
        try (var job = harness(LIMITS)) {
            job.open();
            job.processElement(new StreamRecord<>(click("i", START + 9_999, 1)));
            job.processWatermark(new Watermark(START + 9_998));
            assertThat(told(job)).isEmpty();
            job.processWatermark(new Watermark(START + 10_000));
            assertThat(told(job)).singleElement().satisfies(evaluation -> {
                assertThat(evaluation.getAdapter()).isEqualTo("a");
                assertThat(evaluation.getBeginsAtMillis()).isEqualTo(START);
                assertThat(evaluation.getItems()).isEqualTo(1);
                assertThat(evaluation.getPredicted())
                        .isCloseTo(1 / (1 + Math.exp(-1)), within(1e-9));
                assertThat(evaluation.getRevision()).isEqualTo(1);
            });
        }
    }

    @Test
    void whatIsKeptIsBoundedAndWhatHadToGoIsNotBegunAnew() throws Exception {
        try (var job = harness(LIMITS)) {
            job.open();
            for (int i = 0; i < 20; i++) {
                job.processElement(new StreamRecord<>(click("i" + i, START + i * 10_000, 0)));
            }
            int entries = job.numKeyedStateEntries();
            for (int i = 20; i < 40; i++) {
                job.processElement(new StreamRecord<>(click("i" + i, START + i * 10_000, 0)));
            }
            assertThat(job.numKeyedStateEntries()).isEqualTo(entries);
            job.setProcessingTime(100_000);
            int before = told(job).size();
            assertThat(before).isEqualTo(4);
            job.processElement(new StreamRecord<>(click("old", START, 0)));
            job.setProcessingTime(200_000);
            assertThat(told(job)).hasSize(before);
        }
    }

    @Test
    void figuresOutliveARestart() throws Exception {
        org.apache.flink.runtime.checkpoint.OperatorSubtaskState checkpoint;
        try (var job = harness(LIMITS)) {
            job.open();
            job.processElement(new StreamRecord<>(click("i", START, 1)));
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness(LIMITS)) {
            job.initializeState(checkpoint);
            job.open();
            job.processElement(new StreamRecord<>(click("i", START, 1)));
            job.processElement(new StreamRecord<>(click("j", START, 1)));
            job.processWatermark(new Watermark(START + 10_000));
            assertThat(told(job)).singleElement()
                    .satisfies(evaluation -> assertThat(evaluation.getExamples()).isEqualTo(2));
        }
    }

    @Test
    void examplesJudgedOneByOneCarryTheShareOfLateOnesAndOthersNone() throws Exception {
        try (var job = harness(EvaluationLimits.DEFAULT)) {
            job.open();
            for (int i = 0; i < 400; i++) {
                boolean late = i % 4 == 0;
                job.processElement(new StreamRecord<>(binary("i" + i, START + i * 10,
                        late ? 50_000 : 100, late)));
            }
            assertThat(job.extractOutputValues().get(399).getExample().getExample().getLateShare())
                    .as("too young to tell")
                    .isZero();
            job.processWatermark(new Watermark(START + Duration.ofHours(1).toMillis()));
            job.processElement(new StreamRecord<>(binary("new", START + 3_600_000, 10, false)));
            job.processElement(new StreamRecord<>(click("other", START + 3_600_000, 0)));
            List<LoopItem> out = job.extractOutputValues();
            assertThat(out.get(400).getExample().getExample().getLateShare())
                    .isCloseTo(0.25, within(0.01));
            assertThat(out.get(401).getExample().getExample().getLateShare()).isZero();
        }
    }

    private static List<Evaluation> told(
            KeyedOneInputStreamOperatorTestHarness<String, LoopItem, LoopItem> job) {
        var side = job.getSideOutput(EvaluationFunction.EVALUATED);
        return side == null ? List.of()
                : side.stream().map(StreamRecord::getValue).toList();
    }

    private static KeyedOneInputStreamOperatorTestHarness<String, LoopItem, LoopItem> harness(
            EvaluationLimits limits) throws Exception {
        var harness = new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new EvaluationFunction(limits)), LoopItem::getAdapter,
                Types.STRING);
        harness.setup(MessageType.ofMessage(LoopItem.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    private static LoopItem binary(String impression, long servedAt, long delay, boolean late) {
        LoopItem click = click(impression, servedAt + delay, 0);
        LabelledExample labelled = click.getExample();
        return click.toBuilder()
                .setExample(labelled.toBuilder()
                        .setExample(labelled.getExample()
                                .toBuilder()
                                .setKind(ExampleKind.EXAMPLE_KIND_BINARY)
                                .setServedAtMillis(servedAt)
                                .setCorrects(late)))
                .build();
    }

    private static LoopItem click(String impression, long atMillis, double score) {
        LabelledExample.Builder example = LabelledExample.newBuilder()
                .setExample(Example.newBuilder()
                        .setExampleId(impression + atMillis)
                        .setImpressionId(impression)
                        .setKind(ExampleKind.EXAMPLE_KIND_LISTWISE)
                        .setSignal("click")
                        .setLabelledAtMillis(atMillis)
                        .setScoring(Scoring.newBuilder().setVerdict(true))
                        .addOptions(LabelledOption.newBuilder()
                                .setCandidateId("x")
                                .setServedScore(score)
                                .setLabel(1)));
        example.getFeedbackBuilder()
                .getEventBuilder()
                .getSignalBuilder()
                .getClickBuilder()
                .setCandidateId("x");
        return LoopItem.newBuilder().setAdapter("a").setExample(example).build();
    }
}
