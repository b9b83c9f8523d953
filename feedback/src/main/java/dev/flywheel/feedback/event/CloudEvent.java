package dev.flywheel.feedback.event;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The CloudEvents 1.0 attributes of a record in Kafka's binary mode; the record's value is the event's data as it is.
 *
 * @param id identity within {@code source}
 * @param source who made it
 * @param type what the value is
 * @param time when it happened, whole milliseconds
 */
public record CloudEvent(String id, String source, EventType type, Instant time) {
    /** The only media type we write. */
    public static final String PROTOBUF = "application/protobuf";

    private static final String SPEC_VERSION = "1.0";

    /** Returns the headers, in the order they are written. */
    public Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("ce_id", id);
        headers.put("ce_source", source);
        headers.put("ce_type", type.text());
        headers.put("ce_specversion", SPEC_VERSION);
        headers.put("ce_time", time.toString());
        headers.put("content-type", PROTOBUF);
        return headers;
    }

    /**
     * Reads headers as {@link #headers} writes them.
     *
     * @throws IllegalArgumentException naming the header that is missing or not as the standard has it
     */
    public static CloudEvent of(Map<String, String> headers) {
        String specVersion = required(headers, "ce_specversion");
        if (!specVersion.equals(SPEC_VERSION)) {
            throw new IllegalArgumentException(
                    "header ce_specversion is \"%s\", known is 1.0".formatted(specVersion));
        }
        return new CloudEvent(required(headers, "ce_id"), required(headers, "ce_source"),
                typeOf(headers), timeOf(headers));
    }

    /** Returns the type that the headers name, whatever else they say. */
    public static EventType typeOf(Map<String, String> headers) {
        String type = required(headers, "ce_type");
        return EventType.of(type)
                .orElseThrow(() -> new IllegalArgumentException(
                        "header ce_type is \"%s\", known types begin with dev.flywheel."
                                .formatted(type)));
    }

    private static Instant timeOf(Map<String, String> headers) {
        String time = required(headers, "ce_time");
        try {
            return Instant.parse(time);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    "header ce_time is \"%s\", it must be like 2026-01-31T12:00:00.000Z"
                            .formatted(time),
                    e);
        }
    }

    private static String required(Map<String, String> headers, String name) {
        String value = headers.get(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("header " + name + " is missing");
        }
        return value;
    }
}
