package dev.flywheel.adapters;

/**
 * Something outside (a file, a name, a header) is not what an adapter may be.
 *
 * <p>The code says which kind of refusal it is and serves as the metric label; the message names the
 * field, what came, and what is allowed.
 */
public final class AdapterException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The kinds of refusal. */
    public enum Code {
        /** A file or header breaks its format. */
        MALFORMED,
        /** The format is sound, the feature is not supported. */
        UNSUPPORTED,
        /** The adapter does not fit the base model or its own configuration. */
        MISMATCH,
        /** A weight is NaN or infinite. */
        NOT_FINITE,
        /** A size is beyond the configured limit. */
        TOO_LARGE,
        /** A file is missing or cannot be read or written. */
        UNREADABLE
    }

    private final Code code;

    public AdapterException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public AdapterException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
