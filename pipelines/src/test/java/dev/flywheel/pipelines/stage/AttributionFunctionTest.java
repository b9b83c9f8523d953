package dev.flywheel.pipelines.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
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
import dev.flywheel.pipelines.message.MessageType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The function in Flink's own test harness: what it keeps of many impressions together. */
class AttributionFunctionTest {
    private static final String SECRET = TokenKeys.format("k", new byte[32]);
    private static final TokenSigner SIGNER = new TokenSigner(TokenKeys.parse(SECRET));
    private static final long SERVED_AT = 1_000_000;
    private static final int BYTES = taken(answer("0", "a")).getSerializedSize();

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
                job.processElement2(new StreamRecord<>(taken(answer("" + i, "a"))));
            }
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_CAPPED);
            checkpoint = job.snapshot(1, 1);
        }
        try (var job = harness()) {
            job.initializeState(checkpoint);
            job.open();
            job.processElement2(new StreamRecord<>(taken(answer("3", "a"))));
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_CAPPED);
            job.processElement1(new StreamRecord<>(answer("0", "a")));
            assertThat(job.extractOutputValues()).hasSize(1);
            job.processElement2(new StreamRecord<>(taken(answer("4", "a"))));
            assertThat(refusals(job)).as("there is room again").hasSize(1);
        }
    }

    @Test
    void answersOfTheBareBaseLeaveNothingBehind() throws Exception {
        try (var job = harness()) {
            job.open();
            job.processElement1(new StreamRecord<>(answer("0", "")));
            job.processElement2(new StreamRecord<>(taken(answer("0", ""))));
            job.processElement2(new StreamRecord<>(taken(answer("1", ""))));
            job.processElement1(new StreamRecord<>(answer("1", "")));
            assertThat(job.numKeyedStateEntries()).isZero();
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
            job.processElement2(new StreamRecord<>(late.build()));
            assertThat(refusals(job)).containsExactly(RefusalReason.REFUSAL_REASON_LATE);
            assertThat(job.numKeyedStateEntries()).isZero();
        }
    }

    private KeyedTwoInputStreamOperatorTestHarness<String, Impression, TakenFeedback,
            LoopItem> harness()
                    throws Exception {
        AttributionSettings settings = AttributionSettings
                .of(Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofSeconds(30))
                .withHeldBytes(2 * BYTES, 2 * BYTES);
        var harness = new KeyedTwoInputStreamOperatorTestHarness<>(
                new KeyedCoProcessOperator<>(new AttributionFunction(settings,
                        GuardProfiles.of(GuardProfile.DEFAULT), keys,
                        new DeadLetters("attribution", "topic", 1_000))),
                Impression::getImpressionId, taken -> taken.getEvent().getImpressionId(),
                Types.STRING);
        harness.setup(MessageType.ofMessage(LoopItem.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    private static List<RefusalReason> refusals(
            KeyedTwoInputStreamOperatorTestHarness<String, Impression, TakenFeedback,
                    LoopItem> job) {
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
                .setKind(DecisionKind.DECISION_KIND_GENERATE)
                .setServedAtMillis(SERVED_AT)
                .setVersion(VersionRef.newBuilder().setAdapter(adapter))
                .addCandidates(ShownCandidate.newBuilder().setId("answer").addIds(9))
                .build();
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
