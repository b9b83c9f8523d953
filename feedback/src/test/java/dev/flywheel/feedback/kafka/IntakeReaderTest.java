package dev.flywheel.feedback.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.util.JsonFormat;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.event.EventSchema;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

class IntakeReaderTest {
    private static final String STRUCTURED = "application/cloudevents+json";
    private static final long BROKER_MILLIS = 1_700_000_000_000L;
    private static final Topics TOPICS = new Topics("test");
    private static final IntakeReader READER =
            new IntakeReader(EventSchema.FEEDBACK_BYTES_DEFAULT, false);
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
        assertThat(READER.impression(taken(EventRecords.of(TOPICS, impression))))
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
    void aHeartbeatOfNobodyOrOfNoTimeIsMalformed() {
        Heartbeat beat = Heartbeat.newBuilder().setNodeId("n").setAtMillis(5).build();
        assertNoBeat(beat.toBuilder().clearNodeId().build(), "node_id");
        assertNoBeat(beat.toBuilder().setNodeId(" ").build(), "node_id");
        assertNoBeat(beat.toBuilder().setNodeId("n".repeat(129)).build(), "node_id");
        assertNoBeat(beat.toBuilder().clearAtMillis().build(), "at_millis");
        assertNoBeat(beat.toBuilder().setAtMillis(Long.MIN_VALUE + 1).build(), "at_millis");
        assertNoBeat(beat.toBuilder().setUnwrittenSinceMillis(-1).build(),
                "unwritten_since_millis");
    }

    private static void assertNoBeat(Heartbeat beat, String named) {
        ConsumerRecord<byte[], byte[]> record = record(beat.toByteArray(),
                Map.of("ce_type", "dev.flywheel.heartbeat.v1", "ce_id", "5"));
        assertProblem(record, named);
        assertThat(READER.impression(record)).isInstanceOf(Intake.Malformed.class);
        assertThat(READER.claimedKey(record).getFeedbackId()).isEqualTo("5");
    }

    @Test
    void whatAnOperatorSendsAgainIsOfTheTimeAtWhichTheBrokerHadItFirst() {
        byte[] noTime = EVENT.toBuilder().clearReceivedAtMillis().build().toByteArray();
        assertThat(receivedAt(record(noTime, Map.of(EventRecords.FIRST_MILLIS, "1600000000000"))))
                .isEqualTo(1_600_000_000_000L);
        for (String no : new String[] {"1800000000000", "-1", "0", "soon", ""}) {
            assertThat(receivedAt(record(noTime, Map.of(EventRecords.FIRST_MILLIS, no)))).as(no)
                    .isEqualTo(BROKER_MILLIS);
        }
    }

    @Test
    void aRecordWithoutHeadersIsTakenForWhatItsTopicHolds() {
        ConsumerRecord<byte[], byte[]> bare = record(EVENT.toByteArray(), Map.of());
        assertThat(feedback(bare)).isEqualTo(new Intake.Valid<>(EVENT));
    }

    @Test
    void jsonIsTakenInBothModesOfCloudEvents() throws Exception {
        String data = JsonFormat.printer().print(EVENT);
        String spelledAsInTheProto =
                JsonFormat.printer().preservingProtoFieldNames().print(EVENT);
        String structured = """
                {"specversion": "1.0", "id": "x", "source": "y", "type": "dev.flywheel.feedback.v1",
                 "data": %s}""";
        for (String json : new String[] {data, spelledAsInTheProto}) {
            assertThat(feedback(json(structured.formatted(json), STRUCTURED)))
                    .isEqualTo(new Intake.Valid<>(EVENT));
            assertThat(feedback(json(json, "application/json; charset=utf-8")))
                    .isEqualTo(new Intake.Valid<>(EVENT));
        }
    }

    @Test
    void aStructuredEventMayHoldProtobuf() {
        String json = """
                {"specversion": "1.0", "id": "x", "source": "y", "type": "dev.flywheel.feedback.v1",
                 "datacontenttype": "application/protobuf", "data_base64": "%s"}"""
                .formatted(Base64.getEncoder().encodeToString(EVENT.toByteArray()));
        assertThat(feedback(json(json, STRUCTURED))).isEqualTo(new Intake.Valid<>(EVENT));
    }

    @Test
    void whatAnEventLeavesOutIsTakenFromItsEnvelopeAndElseTheTimeFromTheBroker() {
        FeedbackEvent bare = EVENT.toBuilder()
                .clearFeedbackId()
                .clearSource()
                .clearReceivedAtMillis()
                .build();
        String at = "2023-01-31T12:00:00Z";
        FeedbackEvent whole = bare.toBuilder()
                .setFeedbackId("x")
                .setSource("y")
                .setReceivedAtMillis(Instant.parse(at).toEpochMilli())
                .build();
        Map<String, String> headers = Map.of("ce_id", "x", "ce_source", "y", "ce_time", at);
        assertThat(feedback(record(bare.toByteArray(), headers)))
                .isEqualTo(new Intake.Valid<>(whole));
        assertThat(feedback(
                json("""
                        {"specversion": "1.0", "id": "x", "source": "y", "time": "2023-01-31T13:00:00+01:00",
                         "type": "dev.flywheel.feedback.v1", "data": {"impression_id": "i", "tenant": "t",
                         "signal": {"click": {"candidate_id": "a"}}}}""",
                        STRUCTURED)))
                .isEqualTo(new Intake.Valid<>(whole));
        Map<String, String> noTime = Map.of("ce_id", "x", "ce_source", "y", "ce_time", "at noon");
        assertThat(feedback(record(bare.toByteArray(), noTime)))
                .isEqualTo(new Intake.Valid<>(
                        whole.toBuilder().setReceivedAtMillis(BROKER_MILLIS).build()));
    }

    @Test
    void noTimeIsTakenForLaterThanTheBrokersOwn() {
        FeedbackEvent noTime = EVENT.toBuilder().clearReceivedAtMillis().build();
        Map<String, String> hourAhead =
                Map.of("ce_time", Instant.ofEpochMilli(BROKER_MILLIS + 3_600_000).toString());
        assertThat(receivedAt(record(at(BROKER_MILLIS + 1).toByteArray(), Map.of())))
                .isEqualTo(BROKER_MILLIS);
        assertThat(receivedAt(record(at(Long.MAX_VALUE).toByteArray(), Map.of())))
                .isEqualTo(BROKER_MILLIS);
        assertThat(receivedAt(record(noTime.toByteArray(), hourAhead))).isEqualTo(BROKER_MILLIS);
        assertThat(receivedAt(record(at(BROKER_MILLIS - 1).toByteArray(), hourAhead)))
                .isEqualTo(BROKER_MILLIS - 1);
    }

    private static FeedbackEvent at(long receivedAtMillis) {
        return EVENT.toBuilder().setReceivedAtMillis(receivedAtMillis).build();
    }

    private static long receivedAt(ConsumerRecord<byte[], byte[]> record) {
        return feedback(record) instanceof Intake.Valid<FeedbackEvent> valid
                ? valid.event().getReceivedAtMillis()
                : -1;
    }

    @Test
    void confluentsFrameIsTakenWhereASettingSaysSo() {
        IntakeReader framed = new IntakeReader(EventSchema.FEEDBACK_BYTES_DEFAULT, true);
        byte[][] frames = {{0, 0, 0, 1, 44, 0}, {0, 0, 0, 1, 44, 2, 0}, {0, 0, 0, 1, 44, 4, 2, 6}};
        for (byte[] frame : frames) {
            byte[] value = ByteBuffer.allocate(frame.length + EVENT.getSerializedSize())
                    .put(frame)
                    .put(EVENT.toByteArray())
                    .array();
            assertThat(framed.feedback(record(value, Map.of())))
                    .isEqualTo(new Intake.Valid<>(EVENT));
            assertProblem(record(value, Map.of()), "loop.confluent_framing");
        }
        assertThat(framed.feedback(record(EVENT.toByteArray(), Map.of())))
                .isEqualTo(new Intake.Valid<>(EVENT));
        for (byte[] cut : new byte[][] {{0}, {0, 0, 0}, {0, 0, 0, 1, 44}, {0, 0, 0, 1, 44, 4, 2}}) {
            assertThat(framed.feedback(record(cut, Map.of()))).isEqualTo(new Intake.Malformed<>(
                    "value begins like Confluent's framing and ends within it"));
        }
    }

    @Test
    void jsonThatIsNoEventIsMalformedAndSaysWhy() {
        assertProblem(json("{\"specversion\": \"1.0\"", STRUCTURED), "no CloudEvent");
        assertProblem(json("{\"specversion\": \"1.0\", \"id\": \"x\"}", STRUCTURED), "source");
        assertProblem(json("[" + "[".repeat(60_000), STRUCTURED), "no CloudEvent");
        assertProblem(json("[".repeat(60_000), "application/json"), "");
        assertProblem(json("{}", "application/cloudevents-batch+json"), "one event a record");
        assertProblem(json("{}", "application/cloudevents+avro"), "application/cloudevents+json");
        String noData =
                """
                        {"specversion": "1.0", "id": "x", "source": "y", "type": "dev.flywheel.feedback.v1"%s}""";
        assertProblem(json(noData.formatted(""), STRUCTURED), "no data");
        assertProblem(json(noData.formatted(", \"data\": {\"signal\": 3}"), STRUCTURED), "got: 3");
        assertProblem(json(noData.formatted(", \"data\": {\"tenant\": \"t\"}"), STRUCTURED),
                "impression_id is blank");
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
        assertThat(new IntakeReader(value.length, false).feedback(record(value, Map.of())))
                .isEqualTo(new Intake.Valid<>(EVENT));
        assertThat(new IntakeReader(value.length - 1, false).feedback(record(value, Map.of())))
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
        assertThat(READER.claimedKey(record(noTenant, headers))).isEqualTo(own);
        assertThat(READER.claimedKey(record(new byte[] {-1}, headers)).getFeedbackId())
                .isEqualTo("hid");
        assertThat(READER.claimedKey(record(new byte[] {-1}, Map.of())))
                .isEqualTo(FeedbackKey.getDefaultInstance());
        byte[] endless = EVENT.toBuilder().setFeedbackId("x".repeat(9_000)).build().toByteArray();
        assertThat(READER.claimedKey(record(endless, headers)).getFeedbackId())
                .startsWith("sha256:")
                .hasSizeLessThan(100);
    }

    @Test
    void noJsonMakesTheReaderThrow() throws Exception {
        long seed = Long.getLong("flywheel.seed", 20261123L);
        Random random = new Random(seed);
        String pieces = "{}[]\":,0e9.-\\u tfn";
        String data = JsonFormat.printer().omittingInsignificantWhitespace().print(EVENT);
        String whole = """
                {"specversion": "1.0", "id": "x", "source": "y", "time": "2026-01-31T13:00:00Z",
                 "type": "dev.flywheel.feedback.v1", "data": %s}""".formatted(data);
        for (int i = 0; i < 10_000; i++) {
            boolean structured = random.nextBoolean();
            StringBuilder text = new StringBuilder(structured ? whole : data);
            if (structured && i % 4 == 0) {
                int year = text.indexOf("2026");
                text.replace(year, year + 4, "%+010d".formatted(random.nextInt()));
            }
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                text.setCharAt(random.nextInt(text.length()),
                        pieces.charAt(random.nextInt(pieces.length())));
            }
            ConsumerRecord<byte[], byte[]> record =
                    json(text.toString(), structured ? STRUCTURED : "application/json");
            assertThat(feedback(record)).as("seed %d, case %d: %s", seed, i, text).isNotNull();
            assertThat(READER.claimedKey(record)).isNotNull();
        }
    }

    @Test
    void aTimeBeyondAllMillisecondsIsNoTime() {
        String structured =
                """
                        {"specversion": "1.0", "id": "x", "source": "y", "time": "%s", "type": "dev.flywheel.%s.v1",
                         "data": {"impression_id": "i", "tenant": "t", "signal": {"click": {"candidate_id": "a"}}}}""";
        FeedbackEvent event = EVENT.toBuilder()
                .setFeedbackId("x")
                .setSource("y")
                .setReceivedAtMillis(BROKER_MILLIS)
                .build();
        String[] farAway = {"+999999999-12-31T23:59:59Z", "-999999999-01-01T00:00:00Z",
            "+999999999-12-31T23:59:59-18:00"};
        for (String time : farAway) {
            ConsumerRecord<byte[], byte[]> feedback =
                    json(structured.formatted(time, "feedback"), STRUCTURED);
            assertThat(feedback(feedback)).as(time).isEqualTo(new Intake.Valid<>(event));
            assertThat(READER.claimedKey(feedback).getFeedbackId()).isEqualTo("x");
            assertThat(
                    READER.impression(json(structured.formatted(time, "impression"), STRUCTURED)))
                    .as(time)
                    .isInstanceOf(Intake.Malformed.class);
            assertThat(feedback(record(
                    EVENT.toBuilder().clearReceivedAtMillis().build().toByteArray(),
                    Map.of("ce_time", time))))
                    .isEqualTo(new Intake.Valid<>(
                            EVENT.toBuilder().setReceivedAtMillis(BROKER_MILLIS).build()));
        }
    }

    private static Intake<FeedbackEvent> feedback(ConsumerRecord<byte[], byte[]> record) {
        return READER.feedback(record);
    }

    private static void assertProblem(ConsumerRecord<byte[], byte[]> record, String named) {
        assertThat(feedback(record)).isInstanceOfSatisfying(Intake.Malformed.class,
                malformed -> assertThat(malformed.problem()).contains(named));
    }

    private static ConsumerRecord<byte[], byte[]> taken(ProducerRecord<byte[], byte[]> sent) {
        return new ConsumerRecord<>(sent.topic(), 0, 0, BROKER_MILLIS,
                TimestampType.LOG_APPEND_TIME, 0, 0,
                sent.key(),
                sent.value(), sent.headers(), Optional.empty());
    }

    private static ConsumerRecord<byte[], byte[]> json(String text, String contentType) {
        return record(text.getBytes(StandardCharsets.UTF_8), Map.of("content-type", contentType));
    }

    private static ConsumerRecord<byte[], byte[]> record(byte[] value,
            Map<String, String> headers) {
        return new ConsumerRecord<>("t", 0, 0, BROKER_MILLIS, TimestampType.LOG_APPEND_TIME, 0, 0,
                null, value,
                EventRecords.headers(headers), Optional.empty());
    }
}
