package dev.flywheel.pipelines.intake;

import com.google.protobuf.ByteString;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.pipelines.message.MessageType;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Reads the records of one event topic; whatever they hold, it never throws.
 *
 * <p>Event time is the servers' time in the event, but never later than the broker's own timestamp: a producer that lives in
 * the future cannot push time forward for all others.
 */
public abstract class EventDeserializer implements KafkaRecordDeserializationSchema<IntakeRecord> {
    private static final long serialVersionUID = 1L;

    private final DeadLetters letters;
    final IntakeReader reader;

    private EventDeserializer(DeadLetters letters, IntakeReader reader) {
        this.letters = letters;
        this.reader = reader;
    }

    public static EventDeserializer impressions(DeadLetters letters, IntakeReader reader) {
        return new Impressions(letters, reader);
    }

    public static EventDeserializer feedback(DeadLetters letters, IntakeReader reader) {
        return new Feedback(letters, reader);
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<IntakeRecord> out) {
        IntakeRecord.Builder taken =
                IntakeRecord.newBuilder()
                        .setPartition(record.partition())
                        .setOffset(record.offset());
        long claimedMillis = read(record, taken);
        out.collect(taken.setEventTimeMillis(Math.min(claimedMillis, record.timestamp())).build());
    }

    /** Fills in the content and returns the time that the record claims. */
    abstract long read(ConsumerRecord<byte[], byte[]> record, IntakeRecord.Builder taken);

    static long beat(IntakeRecord.Builder taken, Heartbeat heartbeat) {
        taken.setHeartbeat(heartbeat);
        return heartbeat.getAtMillis();
    }

    final long malformed(
            ConsumerRecord<byte[], byte[]> record, IntakeRecord.Builder taken, FeedbackKey key,
            String problem) {
        taken.setMalformed(letters.ofRecord(record, key, problem));
        // No claim of its own: it does not move time.
        return Long.MIN_VALUE;
    }

    @Override
    public TypeInformation<IntakeRecord> getProducedType() {
        return MessageType.ofMessage(IntakeRecord.class);
    }

    private static final class Impressions extends EventDeserializer {
        private static final long serialVersionUID = 1L;

        Impressions(DeadLetters letters, IntakeReader reader) {
            super(letters, reader);
        }

        @Override
        long read(ConsumerRecord<byte[], byte[]> record, IntakeRecord.Builder taken) {
            Intake<Impression> intake = reader.impression(record);
            if (intake instanceof Intake.Valid<Impression> valid) {
                taken.setImpression(valid.event());
                return valid.event().getServedAtMillis();
            }
            return intake instanceof Intake.Beat<Impression> beat
                    ? beat(taken, beat.heartbeat())
                    : malformed(record, taken, IntakeReader.headersKey(record),
                            ((Intake.Malformed<Impression>) intake).problem());
        }
    }

    private static final class Feedback extends EventDeserializer {
        private static final long serialVersionUID = 1L;

        Feedback(DeadLetters letters, IntakeReader reader) {
            super(letters, reader);
        }

        @Override
        long read(ConsumerRecord<byte[], byte[]> record, IntakeRecord.Builder taken) {
            Intake<FeedbackEvent> intake = reader.feedback(record);
            if (intake instanceof Intake.Valid<FeedbackEvent> valid) {
                taken.setFeedback(TakenFeedback.newBuilder()
                        .setEvent(valid.event())
                        .setOriginal(ByteString.copyFrom(record.value()))
                        .setPartition(record.partition())
                        .setOffset(record.offset())
                        .setContentType(EventRecords.contentType(record))
                        .setAgain(record.headers().lastHeader(EventRecords.AGAIN) != null));
                return valid.event().getReceivedAtMillis();
            }
            return intake instanceof Intake.Beat<FeedbackEvent> beat
                    ? beat(taken, beat.heartbeat())
                    : malformed(record, taken, reader.claimedKey(record),
                            ((Intake.Malformed<FeedbackEvent>) intake).problem());
        }
    }
}
