package dev.flywheel.pipelines.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.intake.IntakeFunction;
import dev.flywheel.pipelines.message.MessageType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.heap.HeapKeyedStateBackend;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.co.CoBroadcastWithKeyedOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedBroadcastOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.ProcessFunctionTestHarnesses;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The function in Flink's own test harness: what it keeps of many impressions together. */
class AttributionFunctionTest {
    private static final String SECRET = TokenKeys.format("k", new byte[32]);
    private static final TokenSigner SIGNER = new TokenSigner(TokenKeys.parse(SECRET));
    private static final long SERVED_AT = 1_000_000;
    private static final int BYTES = taken(answer("0", "a")).getSerializedSize();

    private static final AttributionSettings SETTINGS = AttributionSettings
            .of(Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofSeconds(30))
            .withHeldBytes(2 * BYTES, 2 * BYTES);

    @TempDir Path folder;
    private Path keys;

    @BeforeEach
    void writeKeys() throws Exception {
        keys = Files.writeString(folder.resolve("keys"), SECRET);
    }

    @Test
    void whatWaitsForAllImpressionsTogetherIsBoundedAlsoAfterARestart() throws Exception {
        OperatorSubtaskState checkpoint;
        try (var job = harness()) {
            job.open();
            for (int i = 0; i < 3; i++) {
                job.processElement(record(taken(answer("" + i, "a"))));
            }
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_CAPPED);
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness()) {
            job.initializeState(checkpoint);
            job.open();
            job.processElement(record(taken(answer("3", "a"))));
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_CAPPED);
            job.processElement(record(answer("0", "a")));
            assertThat(job.extractOutputValues()).hasSize(1);
            job.processElement(record(taken(answer("4", "a"))));
            assertThat(refusals(job)).as("there is room again").hasSize(1);
        }
    }

    @Test
    void answersThatDoNotFitInAreNotRememberedAlsoAfterARestart() throws Exception {
        AttributionSettings small = SETTINGS.withRememberedBytesMax(9_100);
        OperatorSubtaskState checkpoint;
        try (var job = harness(small)) {
            job.open();
            for (int i = 0; i < 3; i++) {
                job.processElement(record(longAnswer("" + i)));
                job.processElement(record(taken(answer("" + i, "a"))));
            }
            assertThat(job.extractOutputValues()).hasSize(2);
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_CAPPED);
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness(small)) {
            job.initializeState(checkpoint);
            job.open();
            job.processElement(record(longAnswer("3")));
            assertThat(entries(job)).as("what says that 2 came, and no more").isEqualTo(3);
            assertThat(job.numEventTimeTimers()).isEqualTo(3);
            job.processElement(record(taken(answer("5", "a"))));
            assertThat(refusals(job)).as("nor does anything wait")
                    .containsExactly(RefusalReason.REFUSAL_REASON_CAPPED);
            toMillis(job, SERVED_AT + 60_000);
            assertThat(entries(job)).isZero();
            job.processElement(record(longAnswer("4")));
            assertThat(entries(job)).as("there is room again").isEqualTo(1);
        }
    }

    @Test
    void whatIsSaidOfAnswersTakesNoMoreThanMayBeRemembered() throws Exception {
        try (var job = harness(SETTINGS.withRememberedBytesMax(4_000))) {
            job.open();
            job.processElement(record(answer("0", "a")));
            for (int i = 0; i < 50; i++) {
                TakenFeedback.Builder taken = taken(answer("0", "a")).toBuilder();
                taken.getEventBuilder().setFeedbackId("f" + i);
                job.processElement(record(taken.build()));
            }
            assertThat(job.extractOutputValues().size()).isBetween(10, 40);
            assertThat(refusals(job)).hasSize(50 - job.extractOutputValues().size())
                    .containsOnly(RefusalReason.REFUSAL_REASON_CAPPED);
        }
    }

    @Test
    void answersOfTheBareBaseLeaveNothingBehind() throws Exception {
        try (var job = harness()) {
            job.open();
            job.processElement(record(answer("0", "")));
            job.processElement(record(taken(answer("0", ""))));
            job.processElement(record(taken(answer("1", ""))));
            job.processElement(record(answer("1", "")));
            assertThat(entries(job)).isZero();
            assertThat(job.numEventTimeTimers()).isZero();
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_NO_ADAPTER,
                    RefusalReason.REFUSAL_REASON_NO_ADAPTER);
        }
    }

    @Test
    void feedbackAfterTheWindowIsLateAndLeavesNothingBehind() throws Exception {
        try (var job = harness()) {
            job.open();
            TakenFeedback.Builder late = taken(answer("0", "a")).toBuilder();
            late.getEventBuilder().setReceivedAtMillis(SERVED_AT + 60_000);
            job.processElement(record(late.build()));
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_LATE);
            assertThat(entries(job)).isZero();
        }
    }

    @Test
    void feedbackWaitsOnWhileItsNodeHasNotWrittenTheAnswer() throws Exception {
        OperatorSubtaskState checkpoint;
        try (var job = harness()) {
            job.open();
            job.processElement(record(taken(answer("0", "a"))));
            report(job, SERVED_AT + 20_000, SERVED_AT);
            toMillis(job, SERVED_AT + 40_000);
            assertThat(refusals(job)).as("30 s are over").isEmpty();
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness()) {
            job.initializeState(checkpoint);
            job.open();
            toMillis(job, SERVED_AT + 50_000);
            assertThat(refusals(job)).as("the report outlives a restart").isEmpty();
            report(job, SERVED_AT + 52_000, 0);
            job.processElement(record(answer("0", "a")));
            assertThat(job.extractOutputValues()).hasSize(1);
        }
    }

    @Test
    void feedbackOnAnAnswerThatItsNodeHasLostEndsWhenTheNodeHasNothingUnwrittenLeft()
            throws Exception {
        try (var job = harness()) {
            job.open();
            job.processElement(record(taken(answer("0", "a"))));
            report(job, SERVED_AT + 20_000, SERVED_AT);
            toMillis(job, SERVED_AT + 40_000);
            assertThat(refusals(job)).isEmpty();
            report(job, SERVED_AT + 41_000, 0);
            toMillis(job, SERVED_AT + 50_000);
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_UNMATCHED);
        }
    }

    @Test
    void theLastReportOfANodeThatIsGoneHoldsFeedbackBackForTheLongestTimeoutOnly()
            throws Exception {
        try (var job = harness()) {
            job.open();
            job.processElement(record(taken(answer("0", "a"))));
            report(job, SERVED_AT + 20_000, SERVED_AT);
            toMillis(job, SERVED_AT + 90_004);
            assertThat(refusals(job)).isEmpty();
            toMillis(job, SERVED_AT + 90_005);
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_UNMATCHED);
        }
    }

    @Test
    void feedbackOnAnAnswerThatAQuietNodeHasLostWaitsForTheShorterTimeout() throws Exception {
        try (var job = harness(); var intake = intake()) {
            job.open();
            job.processElement(record(taken(answer("0", "a"))));
            for (long after = -2_000; after < 32_000; after += 200) {
                beat(intake, SERVED_AT + after, false);
            }
            pass(intake, job);
            toMillis(job, SERVED_AT + 31_000);
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_UNMATCHED);
        }
    }

    @Test
    void theLastWordOfANodeThatStopsInOrderCountsHoweverSoonItFollowsTheOneBefore()
            throws Exception {
        try (var job = harness(); var intake = intake()) {
            job.open();
            job.processElement(record(taken(answer("0", "a"))));
            beat(intake, SERVED_AT - 100, false);
            beat(intake, SERVED_AT + 100, true);
            pass(intake, job);
            toMillis(job, SERVED_AT + 31_000);
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_UNMATCHED);
        }
    }

    @Test
    void aQuietNodeIsReportedOnceInAWhile() throws Exception {
        try (var intake = intake()) {
            for (long millis = 0; millis < 60_000; millis += 200) {
                beat(intake, SERVED_AT + millis, false);
            }
            assertThat(intake.getSideOutput(IntakeFunction.REPORTS)).hasSize(12);
        }
    }

    /** What nodes tell of themselves, as it comes from their topic. */
    private static OneInputStreamOperatorTestHarness<IntakeRecord, Impression> intake()
            throws Exception {
        return ProcessFunctionTestHarnesses.forProcessFunction(IntakeFunction.impressions());
    }

    /** The node says that it has nothing unwritten. */
    private static void beat(OneInputStreamOperatorTestHarness<IntakeRecord, Impression> intake,
            long atMillis, boolean last) throws Exception {
        intake.processElement(new StreamRecord<>(IntakeRecord.newBuilder()
                .setEventTimeMillis(atMillis)
                .setHeartbeat(Heartbeat.newBuilder()
                        .setNodeId("node-1")
                        .setAtMillis(atMillis)
                        .setLast(last))
                .build()));
    }

    private static void pass(OneInputStreamOperatorTestHarness<IntakeRecord, Impression> intake,
            KeyedBroadcastOperatorTestHarness<String, IntakeRecord, Heartbeat, LoopItem> job)
            throws Exception {
        for (StreamRecord<Heartbeat> report : intake.getSideOutput(IntakeFunction.REPORTS)) {
            job.processBroadcastElement(report);
        }
    }

    private static int entries(
            KeyedBroadcastOperatorTestHarness<String, IntakeRecord, Heartbeat, LoopItem> job) {
        AbstractStreamOperator<?> operator = (AbstractStreamOperator<?>) job.getOperator();
        return ((HeapKeyedStateBackend<?>) operator.<String>getKeyedStateBackend())
                .numKeyValueStateEntries();
    }

    private static void report(
            KeyedBroadcastOperatorTestHarness<String, IntakeRecord, Heartbeat, LoopItem> job,
            long atMillis, long unwrittenSince) throws Exception {
        job.processBroadcastElement(new StreamRecord<>(Heartbeat.newBuilder()
                .setNodeId("node-1")
                .setAtMillis(atMillis)
                .setUnwrittenSinceMillis(unwrittenSince)
                .build()));
    }

    private static void toMillis(
            KeyedBroadcastOperatorTestHarness<String, IntakeRecord, Heartbeat, LoopItem> job,
            long millis) throws Exception {
        job.processWatermark(new Watermark(millis));
        job.processBroadcastWatermark(new Watermark(millis));
    }

    private static StreamRecord<IntakeRecord> record(Impression impression) {
        return new StreamRecord<>(IntakeRecord.newBuilder().setImpression(impression).build());
    }

    private static StreamRecord<IntakeRecord> record(TakenFeedback taken) {
        return new StreamRecord<>(IntakeRecord.newBuilder().setFeedback(taken).build());
    }

    private KeyedBroadcastOperatorTestHarness<String, IntakeRecord, Heartbeat, LoopItem> harness()
            throws Exception {
        return harness(SETTINGS);
    }

    private KeyedBroadcastOperatorTestHarness<String, IntakeRecord, Heartbeat, LoopItem> harness(
            AttributionSettings settings) throws Exception {
        AttributionFunction function = new AttributionFunction(settings, Duration.ofSeconds(90),
                GuardProfiles.of(GuardProfile.DEFAULT), keys,
                new DeadLetters("attribution", "topic", 1_000));
        var harness = new KeyedBroadcastOperatorTestHarness<>(
                new CoBroadcastWithKeyedOperator<>(function,
                        List.of(AttributionFunction.REPORTS)),
                AttributionStage::impressionId, Types.STRING, 1, 1, 0);
        harness.setup(MessageType.ofMessage(LoopItem.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    private static List<RefusalReason> refusals(
            KeyedBroadcastOperatorTestHarness<String, IntakeRecord, Heartbeat, LoopItem> job) {
        var letters = job.getSideOutput(DeadLetters.REFUSED);
        return letters == null ? List.of()
                : letters.stream()
                        .map(StreamRecord::getValue)
                        .map(DeadLetter::getRefused)
                        .map(refused -> refused.getReason())
                        .toList();
    }

    private static Impression answer(String id, String adapter) {
        return Impression.newBuilder()
                .setImpressionId(id)
                .setTenant("acme")
                .setUser("u")
                .setNodeId("node-1")
                .setKind(DecisionKind.DECISION_KIND_GENERATE)
                .setServedAtMillis(SERVED_AT)
                .setVersion(VersionRef.newBuilder().setAdapter(adapter))
                .addCandidates(ShownCandidate.newBuilder().setId("answer").addIds(9))
                .build();
    }

    private static Impression longAnswer(String id) {
        Impression.Builder answer = answer(id, "a").toBuilder();
        for (int i = 0; i < 4_000; i++) {
            answer.getCandidatesBuilder(0).addIds(9);
        }
        return answer.build();
    }

    private static TakenFeedback taken(Impression impression) {
        return TakenFeedback.newBuilder()
                .setEvent(FeedbackEvent.newBuilder()
                        .setFeedbackId("f")
                        .setSource("s")
                        .setImpressionId(impression.getImpressionId())
                        .setTenant("acme")
                        .setUser("u")
                        .setReceivedAtMillis(SERVED_AT + 5)
                        .setFeedbackToken(
                                SIGNER.sign(FeedbackToken.of(impression, Duration.ofHours(1))))
                        .setSignal(Signal.newBuilder()
                                .setCorrection(Correction.newBuilder().setText("Paris"))))
                .build();
    }
}
