package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.feedback.kafka.FeedbackPublisher;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.PublisherSettings;
import dev.flywheel.feedback.kafka.Topics;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class EmbeddedBrokerTest {
    private static final Topics TOPICS = new Topics("test");
    private static final int PARTITIONS = 2;

    @TempDir Path folder;

    @Test
    void whatWasAcknowledgedIsThereAfterARestart() throws Exception {
        FeedbackEvent first = event("f1");
        FeedbackEvent second = event("f2");
        for (FeedbackEvent event : List.of(first, second)) {
            try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("broker"), 0)) {
                publish(broker, event);
            }
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("broker"), 0)) {
            List<Object> events = new ArrayList<>();
            boolean beats = false;
            for (ConsumerRecord<byte[], byte[]> record : all(broker)) {
                Intake<FeedbackEvent> intake =
                        new IntakeReader(Integer.MAX_VALUE, false).feedback(record);
                if (intake instanceof Intake.Valid<FeedbackEvent> valid) {
                    events.add(valid.event());
                    assertThat(EventRecords.texts(record.headers())).containsEntry("ce_id",
                            valid.event().getFeedbackId());
                }
                beats |= intake instanceof Intake.Beat;
            }
            assertThat(events).containsExactly(first, second);
            assertThat(beats).isTrue();
        }
    }

    @Test
    void aTakenPortIsNamedWithTheRemedy() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThatThrownBy(() -> EmbeddedBroker.start(folder, taken.getLocalPort()))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining(
                            "port " + taken.getLocalPort() + " on 127.0.0.1 is taken");
        }
    }

    @Test
    void aNodeThatStopsInOrderSaysSoLastInEveryPartition(@TempDir Path folder) throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder, 0)) {
            publish(broker, event("f"));
            Map<Integer, Heartbeat> last = new HashMap<>();
            for (ConsumerRecord<byte[], byte[]> record : all(broker)) {
                if (new IntakeReader(65_536, false)
                        .feedback(record) instanceof Intake.Beat<FeedbackEvent>(Heartbeat beat)) {
                    last.put(record.partition(), beat);
                }
            }
            assertThat(last).hasSize(PARTITIONS);
            assertThat(last.values()).allSatisfy(beat -> {
                assertThat(beat.getLast()).isTrue();
                assertThat(beat.getNodeId()).isEqualTo("node-1");
                assertThat(beat.getUnwrittenSinceMillis()).isZero();
            });
        }
    }

    private static void publish(EmbeddedBroker broker, FeedbackEvent event) throws Exception {
        try (Admin admin = Admin.create(
                Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            TOPICS.create(admin, PARTITIONS, (short) 1);
        }
        PublisherSettings settings = PublisherSettings.of(broker.bootstrapServers(), TOPICS,
                "node-1", Duration.ofMillis(20));
        try (FeedbackPublisher publisher =
                new FeedbackPublisher(settings, InstantSource.system())) {
            assertThat(publisher.awaitReady(Duration.ofSeconds(30))).isTrue();
            assertThat(publisher.publish(event).get()).isPositive();
        }
    }

    private static List<ConsumerRecord<byte[], byte[]>> all(EmbeddedBroker broker) {
        List<TopicPartition> partitions = IntStream.range(0, PARTITIONS)
                .mapToObj(p -> new TopicPartition(TOPICS.feedback(), p))
                .toList();
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()),
                new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        return records;
    }

    private static FeedbackEvent event(String id) {
        return FeedbackEvent.newBuilder()
                .setFeedbackId(id)
                .setSource("s")
                .setImpressionId("i")
                .setTenant("t")
                .setReceivedAtMillis(1)
                .setSignal(Signal.newBuilder().setClick(Click.newBuilder().setCandidateId("a")))
                .build();
    }
}
