package dev.flywheel.feedback.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

class IntakeReaderTest {
    private static final Topics TOPICS = new Topics("test");
    private static final FeedbackEvent EVENT = FeedbackEvent.newBuilder()
            .setFeedbackId("f")
            .setSource("s")
            .setImpressionId("i")
            .setTenant("t")
            .setReceivedAtMillis(1)
            .setSignal(Signal.newBuilder().setClick(Click.newBuilder().setCandidateId("a")))
            .build();

    @Test
    void whatIsPublishedIsRead() {
        Impression impression = Impression.newBuilder()
                .setImpressionId("i")
                .setNodeId("n")
                .setTenant("t")
                .setServedAtMillis(1)
                .setKind(DecisionKind.DECISION_KIND_RANK)
                .addCandidates(ShownCandidate.newBuilder().setId("a"))
                .build();
        assertThat(IntakeReader.impression(taken(EventRecords.of(TOPICS, impression))))
                .isEqualTo(new Intake.Valid<>(impression));
        assertThat(IntakeReader.feedback(taken(EventRecords.of(TOPICS, EVENT))))
                .isEqualTo(new Intake.Valid<>(EVENT));
    }

    @Test
    void aHeartbeatIsNoEvent() {
        Heartbeat beat = Heartbeat.newBuilder().setNodeId("n").setAtMillis(5).build();
        assertThat(IntakeReader.feedback(taken(EventRecords.of(TOPICS.feedback(), 0, beat))))
                .isEqualTo(new Intake.Beat<>(beat));
    }

    @Test
    void aRecordWithoutHeadersIsTakenForWhatItsTopicHolds() {
        ConsumerRecord<byte[], byte[]> bare = record(EVENT.toByteArray(), Map.of());
        assertThat(IntakeReader.feedback(bare)).isEqualTo(new Intake.Valid<>(EVENT));
    }

    @Test
    void whatIsNoEventIsMalformedAndSaysWhy() {
        assertProblem(record(null, Map.of()), "no value");
        assertProblem(record(new byte[] {(byte) 0xff, 1, 2}, Map.of()), "protobuf");
        assertProblem(record(EVENT.toByteArray(), Map.of("ce_type", "strange")), "ce_type");
        assertProblem(record(EVENT.toByteArray(), Map.of("ce_type", "dev.flywheel.impression.v1")),
                "ce_type");
        assertProblem(record(EVENT.toBuilder().clearTenant().build().toByteArray(), Map.of()),
                "tenant");
    }

    @Test
    void noBytesMakeTheReaderThrow() {
        long seed = Long.getLong("flywheel.seed", 20261122L);
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = EVENT.toByteArray();
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            assertThat(IntakeReader.feedback(record(bytes, Map.of())))
                    .as("seed %d, case %d", seed, i)
                    .isNotNull();
        }
    }

    private static void assertProblem(ConsumerRecord<byte[], byte[]> record, String named) {
        assertThat(IntakeReader.feedback(record)).isInstanceOfSatisfying(Intake.Malformed.class,
                malformed -> assertThat(malformed.problem()).contains(named));
    }

    private static ConsumerRecord<byte[], byte[]> taken(ProducerRecord<byte[], byte[]> sent) {
        return new ConsumerRecord<>(sent.topic(), 0, 0, 0, TimestampType.CREATE_TIME, 0, 0,
                sent.key(),
                sent.value(), sent.headers(), Optional.empty());
    }

    private static ConsumerRecord<byte[], byte[]> record(byte[] value,
            Map<String, String> headers) {
        return new ConsumerRecord<>("t", 0, 0, 0, TimestampType.CREATE_TIME, 0, 0, null, value,
                EventRecords.headers(headers), Optional.empty());
    }
}
