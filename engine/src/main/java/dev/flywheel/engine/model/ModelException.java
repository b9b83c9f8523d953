package dev.flywheel.engine.model;

/**
 * A model folder is not what this engine can run.
 *
 * <p>The code says which kind of refusal it is and serves as the metric label; the message names the
 * file or key, what came, and what is allowed.
 */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The kinds of refusal. */
    public enum Code {
        /** A file breaks its format. */
        MALFORMED,
        /** The format is sound, the architecture or an option is not supported. */
        UNSUPPORTED,
        /** The weights do not fit the configuration. */
        MISMATCH,
        /** A file is missing or cannot be read or written. */
        UNREADABLE
    }

    private final Code code;

    public ModelException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public ModelException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
