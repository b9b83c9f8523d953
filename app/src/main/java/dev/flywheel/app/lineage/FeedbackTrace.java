package dev.flywheel.app.lineage;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import dev.flywheel.feedback.kafka.EventRecords;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** What the topics hold of feedback events: their records, and their newest dead letters. For one thread. */
final class FeedbackTrace {
    private final Map<FeedbackKey, List<Sighting>> records = new LinkedHashMap<>();
    private final Map<FeedbackKey, Letter> letters = new LinkedHashMap<>();

    /** A record of the feedback topic. */
    record Sighting(int partition, long offset, boolean again, long millis, String impression) {
        String at() {
            return partition + ":" + offset;
        }
    }

    /** A dead letter. */
    record Letter(RefusedFeedback refusal, String at, String stage, long millis) {}

    private FeedbackTrace() {}

    /** Reads both topics, all of them: neither is sorted by event. */
    static FeedbackTrace of(TopicSearch topics, IntakeReader reader,
            Predicate<FeedbackKey> wanted) {
        FeedbackTrace trace = new FeedbackTrace();
        topics.search(topics.topics().feedback(), "", OptionalLong.empty(), record -> {
            trace.take(record, reader, wanted);
            return false;
        });
        topics.search(topics.topics().deadFeedback(), "", OptionalLong.empty(), record -> {
            trace.takeLetter(record, wanted);
            return false;
        });
        return trace;
    }

    private void take(ConsumerRecord<byte[], byte[]> record, IntakeReader reader,
            Predicate<FeedbackKey> wanted) {
        switch (reader.feedback(record)) {
            case Intake.Valid<FeedbackEvent>(FeedbackEvent event) ->
                seen(FeedbackIds.keyOf(event), event.getImpressionId(), record, wanted);
            case Intake.Malformed<FeedbackEvent> malformed ->
                seen(reader.claimedKey(record), "", record, wanted);
            case Intake.Beat<FeedbackEvent> beat -> {}
        }
    }

    private void seen(FeedbackKey key, String impression, ConsumerRecord<byte[], byte[]> record,
            Predicate<FeedbackKey> wanted) {
        if (wanted.test(key)) {
            records.computeIfAbsent(key, each -> new ArrayList<>())
                    .add(new Sighting(record.partition(), record.offset(),
                            record.headers().lastHeader(EventRecords.AGAIN) != null,
                            record.timestamp(), impression));
        }
    }

    private void takeLetter(ConsumerRecord<byte[], byte[]> record,
            Predicate<FeedbackKey> wanted) {
        refusal(record.value())
                .filter(refusal -> refusal
                        .getReason() != RefusalReason.REFUSAL_REASON_UNSPECIFIED)
                .filter(refusal -> wanted.test(refusal.getKey()))
                .ifPresent(refusal -> letters.put(refusal.getKey(),
                        new Letter(refusal, record.partition() + ":" + record.offset(),
                                EventRecords.texts(record.headers())
                                        .getOrDefault("flywheel.error.stage", ""),
                                record.timestamp())));
    }

    private static Optional<RefusedFeedback> refusal(byte @Nullable [] value) {
        try {
            return value == null ? Optional.empty()
                    : Optional.of(RefusedFeedback.parseFrom(value));
        } catch (InvalidProtocolBufferException e) {
            return Optional.empty();
        }
    }

    /** Every event that was found, in the order in which it was. */
    List<FeedbackKey> keys() {
        List<FeedbackKey> keys = new ArrayList<>(records.keySet());
        letters.keySet().stream().filter(key -> !records.containsKey(key)).forEach(keys::add);
        return keys;
    }

    List<Sighting> records(FeedbackKey key) {
        return records.getOrDefault(key, List.of());
    }

    /** Its refusal, unless an operator has sent it again since. */
    Optional<Letter> letter(FeedbackKey key) {
        Optional<Letter> letter = Optional.ofNullable(letters.get(key));
        return letter.filter(refused -> records(key).stream()
                .noneMatch(record -> record.again() && record.millis() > refused.millis()));
    }
}
