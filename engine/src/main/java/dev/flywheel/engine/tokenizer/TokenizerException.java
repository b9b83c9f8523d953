package dev.flywheel.engine.tokenizer;

/** A tokenizer's files are missing or cannot be understood; the message names the file. */
public final class TokenizerException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final int MESSAGE_LENGTH_MAX = 1_000;

    public TokenizerException(String message) {
        super(bounded(message));
    }

    public TokenizerException(String message, Throwable cause) {
        super(bounded(message), cause);
    }

    /** Files are quoted, and what stands in a file may be of any length. */
    private static String bounded(String message) {
        return message.length() <= MESSAGE_LENGTH_MAX ? message
                : message.substring(0, MESSAGE_LENGTH_MAX) + "...";
    }
}
