package dev.flywheel.app.deadletter;

/** Dead letters cannot be handled as asked; the message says why and what to do. */
public final class DeadLetterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DeadLetterException(String message) {
        super(message);
    }

    public DeadLetterException(String message, Throwable cause) {
        super(message, cause);
    }
}
