package dev.flywheel.app.deadletter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.app.local.EmbeddedBroker;
import dev.flywheel.feedback.event.EventSchema;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.pipelines.intake.DeadLetterSerializer;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.intake.EventDeserializer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On a real broker: what the job refuses is written as the job writes it. */
@Timeout(120)
class DeadLettersTest {
    private static final Topics TOPICS = new Topics("test");
    private static final TopicPartition FEEDBACK = new TopicPartition(TOPICS.feedback(), 0);
    private static final DeadLetters STAGE = new DeadLetters("attribution", TOPICS.feedback(),
            EventSchema.FEEDBACK_BYTES_DEFAULT);
    private static final IntakeReader READER =
            new IntakeReader(EventSchema.FEEDBACK_BYTES_DEFAULT, true);

    /** As the README has it: without a time of its own. */
    private static final String STRUCTURED =
            """
                    {"specversion": "1.0", "type": "dev.flywheel.feedback.v1", "source": "shop", "id": "click-4711", "data": {
                      "impression_id": "i", "tenant": "default", "feedback_token": "TOKEN",
                      "signal": {"click": {"candidate_id": "b"}}}}""";
    private static final String DATA = """
            {"impression_id": "i", "tenant": "default", "signal": {"thumb": {"up": true}}}""";

    @TempDir Path folder;
    private EmbeddedBroker broker;
    private KafkaProducer<byte[], byte[]> producer;
    private dev.flywheel.app.deadletter.DeadLetters letters;

    @BeforeEach
    void start() throws Exception {
        broker = EmbeddedBroker.start(folder.resolve("broker"), 0);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            TOPICS.create(admin, 1, (short) 1);
        }
        producer = new KafkaProducer<>(Map.of("bootstrap.servers", broker.bootstrapServers()),
                new ByteArraySerializer(), new ByteArraySerializer());
        letters = new dev.flywheel.app.deadletter.DeadLetters(broker.bootstrapServers(), TOPICS);
    }

    @AfterEach
    void stop() {
        letters.close();
        producer.close();
        broker.close();
    }

    @Test
    void whatIsSentAgainIsAsItWasFirstAndOfThatTimeStill() throws Exception {
        for (Map<String, String> headers : List.of(
                Map.of("content-type", "application/cloudevents+json"),
                Map.of("content-type", "application/json", "ce_id", "x", "ce_source", "y"))) {
            String value = headers.containsKey("ce_id") ? DATA : STRUCTURED;
            long offset = send(value.getBytes(StandardCharsets.UTF_8), headers);
            ConsumerRecord<byte[], byte[]> first = record(offset);
            assertThat(event(first).getReceivedAtMillis()).isEqualTo(first.timestamp());
            Letter letter = refused(first);
            ConsumerRecord<byte[], byte[]> again = sentAgain(letter);
            assertThat(again.value()).isEqualTo(first.value());
            assertThat(again.timestamp()).isGreaterThan(first.timestamp());
            assertThat(event(again)).isEqualTo(event(first));
            ConsumerRecord<byte[], byte[]> third = sentAgain(refused(again));
            assertThat(event(third)).as("and again").isEqualTo(event(first));

            letGoOf(third.offset() + 1);
            ConsumerRecord<byte[], byte[]> fromLetter = sentAgain(letter);
            assertThat(event(fromLetter)).as("from the letter").isEqualTo(event(first));
            assertThat(sentAgain(refused(fromLetter)).headers().headers(EventRecords.AGAIN))
                    .as("once")
                    .hasSize(1);
        }
    }

    @Test
    void aRecordThatWasNoEventIsMadeAgainFromItsLetterToo() throws Exception {
        long offset = send(DATA.getBytes(StandardCharsets.UTF_8),
                Map.of("content-type", "application/json; charset=utf-8", "ce_id", "x"));
        ConsumerRecord<byte[], byte[]> first = record(offset);
        assertThat(READER.feedback(first)).as("it has no source")
                .isInstanceOf(Intake.Malformed.class);
        Letter letter = refused(first);
        letGoOf(offset + 1);
        ConsumerRecord<byte[], byte[]> again = sentAgain(letter);
        assertThat(READER.feedback(again)).isEqualTo(READER.feedback(first));
        assertThat(READER.claimedKey(again)).isEqualTo(READER.claimedKey(first));
    }

    @Test
    void aRecordThatIsNoLetterIsPassedOver() throws Exception {
        ConsumerRecord<byte[], byte[]> first =
                record(send(STRUCTURED.getBytes(StandardCharsets.UTF_8),
                        Map.of("content-type", "application/cloudevents+json")));
        Letter letter = refused(first);
        byte[][] others =
                {null, {}, {(byte) 0xff, 1, 2}, "a note".getBytes(StandardCharsets.UTF_8)};
        for (byte[] other : others) {
            var unused = producer.send(new ProducerRecord<>(TOPICS.deadFeedback(), other)).get();
        }
        byte[] value = letter.refused().toByteArray();
        var unused = producer.send(new ProducerRecord<>(TOPICS.deadFeedback(), null, null, null,
                value, EventRecords.headers(Map.of("flywheel.error.partition", "one",
                        "flywheel.error.offset", "9".repeat(30)))))
                .get();
        List<Letter> found = new ArrayList<>();
        assertThat(letters.each(found::add)).isEqualTo(others.length);
        assertThat(found).hasSize(2);
        assertThat(found.get(0)).isEqualTo(letter);
        assertThat(found.get(1).from()).as("its headers name no place").isNull();
        assertThatThrownBy(() -> letters.at(new Position(0, letter.position().offset() + 1)))
                .isInstanceOf(DeadLetterException.class);
    }

    private long send(byte[] value, Map<String, String> headers) throws Exception {
        return producer.send(new ProducerRecord<>(TOPICS.feedback(), 0, null, null, value,
                EventRecords.headers(headers))).get().offset();
    }

    /** Refuses a record as the job does, and returns the letter. */
    private Letter refused(ConsumerRecord<byte[], byte[]> record) throws Exception {
        List<IntakeRecord> taken = new ArrayList<>();
        EventDeserializer.feedback(STAGE, READER).deserialize(record, new Collector<>() {
            @Override
            public void collect(IntakeRecord each) {
                taken.add(each);
            }

            @Override
            public void close() {}
        });
        IntakeRecord intake = taken.get(0);
        var letter = intake.hasMalformed() ? intake.getMalformed()
                : STAGE.of(intake.getFeedback(), RefusalReason.REFUSAL_REASON_NO_ADAPTER,
                        "there is none", Instant.EPOCH);
        var written =
                producer.send(new DeadLetterSerializer().serialize(letter, null, null)).get();
        return letters.at(new Position(written.partition(), written.offset()));
    }

    private ConsumerRecord<byte[], byte[]> sentAgain(Letter letter) throws Exception {
        assertThat(letters.sendAgain(letter)).isTrue();
        return record(end() - 1);
    }

    private static FeedbackEvent event(ConsumerRecord<byte[], byte[]> record) {
        assertThat(READER.feedback(record)).isInstanceOf(Intake.Valid.class);
        return ((Intake.Valid<FeedbackEvent>) READER.feedback(record)).event();
    }

    private KafkaConsumer<byte[], byte[]> consumer() {
        KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(Map.of("bootstrap.servers", broker.bootstrapServers()),
                        new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.assign(List.of(FEEDBACK));
        return consumer;
    }

    private ConsumerRecord<byte[], byte[]> record(long offset) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            consumer.seek(FEEDBACK, offset);
            while (true) {
                for (ConsumerRecord<byte[], byte[]> record : consumer
                        .poll(Duration.ofMillis(100))) {
                    return record;
                }
            }
        }
    }

    private long end() {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            return consumer.endOffsets(List.of(FEEDBACK)).get(FEEDBACK);
        }
    }

    /** As when its retention time is over. */
    private void letGoOf(long before) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            var unused = admin.deleteRecords(Map.of(FEEDBACK, RecordsToDelete.beforeOffset(before)))
                    .all()
                    .get();
        }
    }
}
