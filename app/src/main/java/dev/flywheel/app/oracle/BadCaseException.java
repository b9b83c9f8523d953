package dev.flywheel.app.oracle;

/** A case, not the engine, is at fault: its files are missing or say nothing that could be judged. */
final class BadCaseException extends RuntimeException {
    private static final long serialVersionUID = 1;

    BadCaseException(String message) {
        super(message);
    }

    BadCaseException(String message, Throwable cause) {
        super(message, cause);
    }
}
