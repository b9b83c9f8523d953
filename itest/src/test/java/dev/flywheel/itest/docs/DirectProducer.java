package dev.flywheel.itest.docs;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** README's producer of feedback in Java, as code; {@code ReadmeTest} keeps the two alike. */
public final class DirectProducer {
    private DirectProducer() {}

    /** Does what README shows: writes an event into a topic, and waits until the broker has it. */
    public static void run(String brokers, String topic, String impressionId, String event)
            throws Exception {
        // @formatter:off
        // README begins
        Map<String, Object> settings = Map.of("bootstrap.servers", brokers, "acks", "all");
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            var record = new ProducerRecord<>(topic, impressionId, event);
            record.headers().add("content-type", "application/cloudevents+json".getBytes(UTF_8));
            producer.send(record).get();
        }
        // README ends
        // @formatter:on
    }

    /** Returns the event that README shows, of this answer. */
    public static String event(String impressionId, String tenant, String token, String candidate) {
        return Checkout.blocks("README.md", "json")
                .getFirst()
                .replace("IMPRESSION", impressionId)
                .replace("\"default\"", "\"" + tenant + "\"")
                .replace("TOKEN", token)
                .replace("\"b\"", "\"" + candidate + "\"");
    }
}
