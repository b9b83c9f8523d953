package dev.flywheel.app.audit;

/** What an audit needs does not answer; the message says what, and what to do. */
public final class AuditException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public AuditException(String message, Throwable cause) {
        super(message, cause);
    }
}
