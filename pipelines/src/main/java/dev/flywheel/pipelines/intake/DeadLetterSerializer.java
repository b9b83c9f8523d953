package dev.flywheel.pipelines.intake;

import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.feedback.event.CloudEvent;
import dev.flywheel.feedback.event.EventType;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.feedback.kafka.EventRecords;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/**
 * A refusal as a record of the dead-letter topic of where it came from: the original bytes inside the value, what was wrong in
 * the headers {@code flywheel.error.*}.
 */
public final class DeadLetterSerializer implements KafkaRecordSerializationSchema<DeadLetter> {
    private static final long serialVersionUID = 1L;

    @Override
    public ProducerRecord<byte[], byte[]> serialize(
            DeadLetter letter, KafkaSinkContext context, @Nullable Long timestamp) {
        RefusedFeedback refused = letter.getRefused();
        CloudEvent envelope = new CloudEvent(
                "%s/%s/%s".formatted(refused.getKey().getFeedbackId(), letter.getPartition(),
                        letter.getOffset()),
                letter.getStage(), EventType.REFUSED_FEEDBACK,
                Instant.ofEpochMilli(refused.getRefusedAtMillis()));
        Map<String, String> headers = envelope.headers();
        headers.put("flywheel.error.code",
                ReasonNames.of(refused.getReason()));
        headers.put("flywheel.error.message", refused.getDetail());
        headers.put("flywheel.error.stage", letter.getStage());
        headers.put("flywheel.error.topic", letter.getTopic());
        headers.put("flywheel.error.partition", Integer.toString(letter.getPartition()));
        headers.put("flywheel.error.offset", Long.toString(letter.getOffset()));
        return new ProducerRecord<>("dlq." + letter.getTopic(), null, null,
                refused.getImpressionId().getBytes(StandardCharsets.UTF_8), refused.toByteArray(),
                EventRecords.headers(headers));
    }
}
