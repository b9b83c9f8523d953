package dev.flywheel.pipelines.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.Withdrawal;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.metrics.groups.InternalOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingTaskMetricGroup;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** The function in Flink's own test harness. */
class EvaluationFunctionTest {
    private static final long START = Duration.ofDays(20_000).toMillis();
    private static final long MINUTE = 60_000;
    private static final long WINDOW_END = 30 * MINUTE;
    private static final EvaluationLimits LIMITS = limits(1 << 20);

    private final InterceptingOperatorMetricGroup metrics = new InterceptingOperatorMetricGroup();

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
    void allAdaptersTogetherKeepWithinTheBoundAndTotalsStayExact() throws Exception {
        try (var job = harness(limits(400_000))) {
            job.open();
            for (int i = 0; i < 2_000; i++) {
                job.processElement(silence("a" + i % 40, "i" + i, START + i * 100, 0));
                assertThat(bytes()).isLessThanOrEqualTo(400_000);
            }
            int entries = job.numKeyedStateEntries();
            for (int i = 2_000; i < 4_000; i++) {
                job.processElement(silence("a" + i % 40, "i" + i, START + i * 100, 0));
                // Of whatever is still known the click replaces the silence, of all else nothing counts.
                int other = i - 40 * (i % 20);
                job.processElement(lateClick("a" + i % 40, "i" + other, START + other * 100,
                        START + i * 100 + 1));
                job.processWatermark(new Watermark(START + i * 100));
            }
            assertThat(bytes()).isBetween(350_000L, 400_000L);
            assertThat(job.numKeyedStateEntries()).isLessThan(entries * 3 / 2);
            job.setProcessingTime(100_000);
            assertThat(items(told(job))).as("each answer once").isEqualTo(4_000);
            assertThat(missed()).as("clicks on answers that had to be forgotten").isPositive();
            assertThat(taken(told(job))).isEqualTo(2_000 - missed());
        }
    }

    @Test
    void aLateClickOnAnAnswerThatHadToBeForgottenLeavesItsSilenceCounted() throws Exception {
        try (var job = harness(limits(8_000))) {
            job.open();
            for (int i = 0; i < 30; i++) {
                job.processElement(silence("a", "i" + i, START + i * 10, 0));
            }
            job.processElement(lateClick("a", "i0", START, START + 20_000));
            job.processElement(lateClick("a", "i29", START + 290, START + 20_000));
            job.setProcessingTime(1_000);
            assertThat(items(told(job))).isEqualTo(30);
            assertThat(taken(told(job))).isEqualTo(1);
            assertThat(missed()).isEqualTo(1);
        }
    }

    @Test
    void theAdapterWithMostForgetsFirst() throws Exception {
        try (var job = harness(limits(40_000))) {
            job.open();
            job.processElement(silence("quiet", "i", START, 0));
            for (int i = 0; i < 1_000; i++) {
                job.processElement(silence("busy", "j" + i, START + i, 0));
            }
            job.processElement(lateClick("quiet", "i", START, START + 5_000));
            assertThat(missed()).isZero();
            job.processElement(lateClick("busy", "j0", START, START + 5_000));
            assertThat(missed()).isEqualTo(1);
            job.setProcessingTime(1_000);
            assertThat(items(told(job))).isEqualTo(1_001);
            assertThat(taken(told(job))).isEqualTo(1);
        }
    }

    @Test
    void figuresThatHadToGoAreToldFirstAndNotBegunAnew() throws Exception {
        try (var job = harness(limits(6_000))) {
            job.open();
            for (int i = 0; i < 50; i++) {
                job.processElement(new StreamRecord<>(click("i" + i, START + i * 10_000, 0)));
            }
            job.processElement(new StreamRecord<>(click("old", START, 0)));
            job.setProcessingTime(100_000);
            assertThat(items(told(job))).isEqualTo(50);
            assertThat(missed()).isEqualTo(1);
        }
    }

    @Test
    void anAnswerIsForgottenWhenItsWindowsHaveEndedAndAnIdleAdapterWholly() throws Exception {
        try (var job = harness(LIMITS)) {
            job.open();
            job.processElement(silence("a", "i", START, 0));
            job.processElement(new StreamRecord<>(binary("b", START, 100, false)));
            job.processWatermark(new Watermark(START + WINDOW_END - 1));
            job.processElement(lateClick("a", "i", START, START + WINDOW_END - 1));
            assertThat(missed()).isZero();
            long before = bytes();
            job.processWatermark(new Watermark(START + WINDOW_END + 10_000));
            assertThat(bytes()).as("figures may still be asked for").isBetween(1L, before - 1);
            job.processWatermark(new Watermark(START + WINDOW_END + 2 * 60 * MINUTE));
            assertThat(bytes()).as("how late users are is known").isPositive();
            job.setProcessingTime(10_000);
            assertThat(items(told(job))).isEqualTo(2);
            job.processWatermark(new Watermark(START + Duration.ofDays(8).toMillis()));
            assertThat(bytes()).isZero();
            assertThat(job.numKeyedStateEntries()).isZero();
            assertThat(job.numEventTimeTimers()).isZero();
        }
    }

    @Test
    void whatIsRememberedCountsAgainstTheBoundAfterARestart() throws Exception {
        OperatorSubtaskState checkpoint;
        long before;
        try (var job = harness(LIMITS)) {
            job.open();
            for (int i = 0; i < 100; i++) {
                job.processElement(silence("a" + i % 7, "i" + i, START + i, 0));
            }
            before = bytes();
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness(LIMITS)) {
            job.initializeState(checkpoint);
            job.open();
            assertThat(bytes()).isEqualTo(before).isPositive();
        }
    }

    @Test
    void whatIsForEvaluationAloneCountsAndIsRefusedBehindIt() throws Exception {
        LoopItem click = click("i", START, 1);
        LoopItem only = LoopItem.newBuilder()
                .setAdapter("a")
                .setEvaluationOnly(click.getExample())
                .build();
        try (var job = harness(LIMITS)) {
            job.open();
            job.processElement(new StreamRecord<>(only));
            job.processElement(new StreamRecord<>(click("j", START, 1)));
            job.setProcessingTime(1_000);

            assertThat(items(told(job))).isEqualTo(2);
            assertThat(job.extractOutputValues()).extracting(LoopItem::hasExample)
                    .containsExactly(true);
            assertThat(job.getSideOutput(DeadLetters.REFUSED)).singleElement()
                    .satisfies(refused -> {
                        DeadLetter letter = refused.getValue();
                        assertThat(letter.getStage()).isEqualTo("evaluation");
                        assertThat(letter.getRefused().getReason())
                                .isEqualTo(RefusalReason.REFUSAL_REASON_EVALUATION_ONLY);
                        assertThat(letter.getRefused().getDetail()).startsWith(
                                "click has no loss for such an answer of adapter a");
                    });
            assertThat(counted(LoopMetrics.RECEIVED)).isEqualTo(2);
            assertThat(counted(LoopMetrics.HANDED_ON)).isEqualTo(1);
        }
    }

    @Test
    void figuresOutliveARestart() throws Exception {
        OperatorSubtaskState checkpoint;
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
        try (var job = harness(LIMITS)) {
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

    private long bytes() {
        return (Long) ((Gauge<?>) metrics.get(LoopMetrics.EVALUATION_BYTES)).getValue();
    }

    private long missed() {
        return counted(LoopMetrics.NOT_EVALUATED);
    }

    private long counted(String name) {
        return ((Counter) metrics.get(name)).getCount();
    }

    private static long items(List<Evaluation> told) {
        return newest(told).mapToLong(Evaluation::getItems).sum();
    }

    private static long taken(List<Evaluation> told) {
        return Math.round(newest(told).mapToDouble(each -> each.getItems() * each.getObserved())
                .sum());
    }

    private static Stream<Evaluation> newest(List<Evaluation> told) {
        Map<List<Object>, Evaluation> newest = new HashMap<>();
        told.forEach(each -> newest.merge(
                List.of(each.getAdapter(), each.getVersion(), each.getBeginsAtMillis()), each,
                (one, other) -> other.getRevision() >= one.getRevision() ? other : one));
        return newest.values().stream();
    }

    private static EvaluationLimits limits(long bytesMax) {
        return new EvaluationLimits(Duration.ofSeconds(10), bytesMax, Duration.ofHours(1),
                Duration.ofDays(7));
    }

    private KeyedOneInputStreamOperatorTestHarness<String, LoopItem, LoopItem> harness(
            EvaluationLimits limits) throws Exception {
        MockEnvironment environment = new MockEnvironmentBuilder()
                .setMetricGroup(new InterceptingTaskMetricGroup() {
                    @Override
                    public InternalOperatorMetricGroup getOrAddOperator(OperatorID id, String name,
                            Map<String, String> variables) {
                        return metrics;
                    }
                })
                .build();
        var harness = new KeyedOneInputStreamOperatorTestHarness<>(
                new EvaluationOperator(new EvaluationFunction(limits,
                        new DeadLetters(LoopMetrics.EVALUATION, "feedback", 1_000))),
                LoopItem::getAdapter,
                Types.STRING, environment);
        harness.setup(MessageType.ofMessage(LoopItem.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    private static StreamRecord<LoopItem> silence(String adapter, String impression, long atMillis,
            double score) {
        LoopItem.Builder item = click(impression, atMillis, score).toBuilder().setAdapter(adapter);
        item.getExampleBuilder().clearFeedback();
        item.getExampleBuilder()
                .getExampleBuilder()
                .setExampleId("silence" + impression)
                .setSignal("silence")
                .getOptionsBuilder(0)
                .setLabel(0);
        return new StreamRecord<>(item.build());
    }

    /** Takes the place of a silence. */
    private static StreamRecord<LoopItem> lateClick(String adapter, String impression,
            long silentAtMillis, long atMillis) {
        LoopItem.Builder item = click(impression, silentAtMillis, 0).toBuilder()
                .setAdapter(adapter)
                .setFollows(true);
        item.getExampleBuilder()
                .getExampleBuilder()
                .setExampleId("late" + impression)
                .setLabelledAtMillis(atMillis);
        return new StreamRecord<>(item.build());
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
                        .setServedAtMillis(atMillis - 1)
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
        return LoopItem.newBuilder()
                .setAdapter("a")
                .setExample(example)
                .setAnswerClosesAtMillis(atMillis - 1 + WINDOW_END)
                .build();
    }
}
