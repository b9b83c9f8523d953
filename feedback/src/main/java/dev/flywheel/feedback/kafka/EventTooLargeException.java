package dev.flywheel.feedback.kafka;

/** Kafka takes no record of this size: the same event sent again would not be taken either. */
public final class EventTooLargeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public EventTooLargeException(String message) {
        super(message);
    }
}
