package dev.flywheel.feedback.event;

import java.util.Optional;

/** What a record's value is, as its CloudEvents {@code type} says. */
public enum EventType {
    IMPRESSION("dev.flywheel.impression.v1"),
    FEEDBACK("dev.flywheel.feedback.v1"),
    HEARTBEAT("dev.flywheel.heartbeat.v1"),
    EVALUATION("dev.flywheel.evaluation.v1"),
    REFUSED_FEEDBACK("dev.flywheel.refused-feedback.v1");

    private final String text;

    EventType(String text) {
        this.text = text;
    }

    public String text() {
        return text;
    }

    /** Returns the type of that name, empty if there is none. */
    public static Optional<EventType> of(String text) {
        for (EventType type : values()) {
            if (type.text.equals(text)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
