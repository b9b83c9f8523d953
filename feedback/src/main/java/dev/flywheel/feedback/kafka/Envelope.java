package dev.flywheel.feedback.kafka;

import dev.flywheel.feedback.event.CloudEvent;
import dev.flywheel.feedback.event.EventType;
import io.cloudevents.CloudEventData;
import io.cloudevents.jackson.JsonFormat;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * What a record says about its event, and the event's data, in either content mode of CloudEvents 1.0 for Kafka: binary
 * (attributes in headers, the value is the data) or structured (one JSON object holds both).
 *
 * @param type null if the record does not say
 * @param id empty if the record does not say
 * @param source empty if the record does not say
 * @param timeMillis milliseconds since 1970; 0 if the record does not say, or not as the standard has it
 */
record Envelope(
        @Nullable EventType type,
        String id,
        String source,
        long timeMillis,
        boolean json,
        byte[] data) {
    private static final String STRUCTURED = "application/cloudevents";
    private static final String STRUCTURED_JSON = STRUCTURED + "+json";
    private static final JsonFormat JSON = new JsonFormat();

    /**
     * Reads a record with a value.
     *
     * @throws IllegalArgumentException naming what is not as the standard has it
     */
    static Envelope of(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = EventRecords.texts(record.headers());
        String contentType = mediaType(headers.getOrDefault("content-type", ""));
        if (!contentType.startsWith(STRUCTURED)) {
            return binary(headers, contentType, record.value());
        }
        if (!contentType.equals(STRUCTURED_JSON)) {
            throw new IllegalArgumentException(
                    "header content-type is \"%s\", of the structured forms %s is taken, one event a record"
                            .formatted(contentType, STRUCTURED_JSON));
        }
        return structured(record.value());
    }

    private static Envelope binary(Map<String, String> headers, String contentType, byte[] value) {
        EventType type = headers.containsKey("ce_type") ? CloudEvent.typeOf(headers) : null;
        return new Envelope(type, headers.getOrDefault("ce_id", ""),
                headers.getOrDefault("ce_source", ""), millis(headers.get("ce_time")),
                isJson(contentType), value);
    }

    private static Envelope structured(byte[] value) {
        io.cloudevents.CloudEvent event = parsed(value);
        CloudEventData data = event.getData();
        if (data == null) {
            throw new IllegalArgumentException("the event has no data");
        }
        EventType type = CloudEvent.typeOf(Map.of("ce_type", event.getType()));
        OffsetDateTime time = event.getTime();
        String contentType = event.getDataContentType();
        return new Envelope(type, event.getId(), event.getSource().toString(),
                time == null ? 0 : millis(time.toInstant()),
                contentType == null || isJson(mediaType(contentType)), data.toBytes());
    }

    private static io.cloudevents.CloudEvent parsed(byte[] value) {
        try {
            return JSON.deserialize(value);
        } catch (RuntimeException e) {
            // Of several kinds: the library's own, and what an odd attribute makes of its parser.
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalArgumentException(
                    "value is no CloudEvent in JSON: " + firstLine(cause), e);
        }
    }

    private static String firstLine(Throwable problem) {
        return String.valueOf(problem.getMessage()).lines().findFirst().orElse("");
    }

    private static boolean isJson(String contentType) {
        return contentType.equals("application/json") || contentType.endsWith("+json");
    }

    /** Returns a content type without its parameters, such as a character set. */
    private static String mediaType(String contentType) {
        int parameters = contentType.indexOf(';');
        String type = parameters < 0 ? contentType : contentType.substring(0, parameters);
        return type.strip().toLowerCase(Locale.ROOT);
    }

    private static long millis(@Nullable String time) {
        try {
            return time == null ? 0 : millis(Instant.parse(time));
        } catch (DateTimeException e) {
            return 0;
        }
    }

    /** Returns 0 for a time that is too far from 1970 to be counted in milliseconds. */
    private static long millis(Instant time) {
        try {
            return time.toEpochMilli();
        } catch (ArithmeticException e) {
            return 0;
        }
    }
}
