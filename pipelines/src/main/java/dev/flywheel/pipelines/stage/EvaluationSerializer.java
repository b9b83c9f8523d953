package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.feedback.event.CloudEvent;
import dev.flywheel.feedback.event.EventType;
import dev.flywheel.feedback.kafka.EventRecords;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** An evaluation as a record of its topic; its key is the adapter, so that one's records stay in order. */
public final class EvaluationSerializer implements KafkaRecordSerializationSchema<Evaluation> {
    private static final long serialVersionUID = 1L;

    private static final String SOURCE = "evaluation";

    private final String topic;

    public EvaluationSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(
            Evaluation evaluation, KafkaSinkContext context, @Nullable Long timestamp) {
        CloudEvent envelope = new CloudEvent(
                "%s/%d/%d/%d".formatted(evaluation.getAdapter(), evaluation.getVersion(),
                        evaluation.getBeginsAtMillis(), evaluation.getRevision()),
                SOURCE, EventType.EVALUATION, Instant.ofEpochMilli(evaluation.getNewestMillis()));
        return new ProducerRecord<>(topic, null, null,
                evaluation.getAdapter().getBytes(StandardCharsets.UTF_8), evaluation.toByteArray(),
                EventRecords.headers(envelope.headers()));
    }
}
