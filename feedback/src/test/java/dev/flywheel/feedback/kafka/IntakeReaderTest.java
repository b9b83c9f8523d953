package dev.flywheel.feedback.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.event.EventSchema;
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
        assertThat(feedback(taken(EventRecords.of(TOPICS, EVENT))))
                .isEqualTo(new Intake.Valid<>(EVENT));
    }

    @Test
    void aHeartbeatIsNoEvent() {
        Heartbeat beat = Heartbeat.newBuilder().setNodeId("n").setAtMillis(5).build();
        assertThat(feedback(taken(EventRecords.of(TOPICS.feedback(), 0, beat))))
                .isEqualTo(new Intake.Beat<>(beat));
    }

    @Test
    void aRecordWithoutHeadersIsTakenForWhatItsTopicHolds() {
        ConsumerRecord<byte[], byte[]> bare = record(EVENT.toByteArray(), Map.of());
        assertThat(feedback(bare)).isEqualTo(new Intake.Valid<>(EVENT));
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
            assertThat(feedback(record(bytes, Map.of())))
                    .as("seed %d, case %d", seed, i)
                    .isNotNull();
        }
    }

    @Test
    void anEventThatIsTooLongIsMalformedWhateverItHolds() {
        byte[] value = EVENT.toByteArray();
        assertThat(IntakeReader.feedback(record(value, Map.of()), value.length))
                .isEqualTo(new Intake.Valid<>(EVENT));
        assertThat(IntakeReader.feedback(record(value, Map.of()), value.length - 1))
                .isEqualTo(new Intake.Malformed<>(
                        "feedback event has %d bytes, at most %d are allowed; shorten it or raise loop.feedback_bytes_max"
                                .formatted(value.length, value.length - 1)));
    }

    @Test
    void fieldsThatNobodyKnowsAreDropped() {
        UnknownFieldSet unknown = UnknownFieldSet.newBuilder()
                .addField(99, UnknownFieldSet.Field.newBuilder()
                        .addLengthDelimited(ByteString.copyFromUtf8("x".repeat(100)))
                        .build())
                .build();
        FeedbackEvent.Builder padded = EVENT.toBuilder();
        padded.getSignalBuilder().setUnknownFields(unknown);
        padded.getSignalBuilder().getClickBuilder().setUnknownFields(unknown);
        assertThat(feedback(record(padded.build().toByteArray(), Map.of())))
                .isEqualTo(new Intake.Valid<>(EVENT));
    }

    @Test
    void whatIsNoValidEventIsKnownByWhatItNamesAndThatIsShort() {
        FeedbackKey own = FeedbackKey.newBuilder().setSource("s").setFeedbackId("f").build();
        Map<String, String> headers = Map.of("ce_source", "hs", "ce_id", "hid");
        byte[] noTenant = EVENT.toBuilder().clearTenant().build().toByteArray();
        assertThat(IntakeReader.claimedKey(record(noTenant, headers))).isEqualTo(own);
        assertThat(IntakeReader.claimedKey(record(new byte[] {-1}, headers)).getFeedbackId())
                .isEqualTo("hid");
        assertThat(IntakeReader.claimedKey(record(new byte[] {-1}, Map.of())))
                .isEqualTo(FeedbackKey.getDefaultInstance());
        byte[] endless = EVENT.toBuilder().setFeedbackId("x".repeat(9_000)).build().toByteArray();
        assertThat(IntakeReader.claimedKey(record(endless, headers)).getFeedbackId())
                .startsWith("sha256:")
                .hasSizeLessThan(100);
    }

    private static Intake<FeedbackEvent> feedback(ConsumerRecord<byte[], byte[]> record) {
        return IntakeReader.feedback(record, EventSchema.FEEDBACK_BYTES_DEFAULT);
    }

    private static void assertProblem(ConsumerRecord<byte[], byte[]> record, String named) {
        assertThat(feedback(record)).isInstanceOfSatisfying(Intake.Malformed.class,
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
