package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.feedback.kafka.Topics;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Somebody who writes events into Kafka without calling the node. The caller closes it. */
public final class DirectProducer implements AutoCloseable {
    /** Its name in the events that it sends. */
    public static final String SOURCE = "simulation/producer";

    private final KafkaProducer<byte[], byte[]> producer;
    private final Topics topics;

    public DirectProducer(String brokers, Topics topics) {
        this.topics = topics;
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        properties.put(ProducerConfig.ACKS_CONFIG, "all");
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 1);
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class.getName());
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class.getName());
        this.producer = new KafkaProducer<>(properties);
    }

    static FeedbackKey key(String feedbackId) {
        return FeedbackKey.newBuilder().setSource(SOURCE).setFeedbackId(feedbackId).build();
    }

    /** Returns when Kafka has it. */
    public void send(FeedbackEvent event) throws InterruptedException {
        send(EventRecords.of(topics, event));
    }

    /** Returns when Kafka has it. */
    void send(Impression impression) throws InterruptedException {
        send(EventRecords.of(topics, impression));
    }

    private void send(ProducerRecord<byte[], byte[]> record) throws InterruptedException {
        try {
            var unused = producer.send(record).get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the broker did not take an event of topic %s: %s"
                    .formatted(record.topic(), e.getCause()), e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
