package dev.flywheel.app.lineage;

/** What was asked for cannot be told; the message says why and what to do. */
public final class LineageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public LineageException(String message) {
        super(message);
    }

    public LineageException(String message, Throwable cause) {
        super(message, cause);
    }
}
