package dev.flywheel.engine.tokenizer;

/** A tokenizer's files are missing or cannot be understood; the message names the file. */
public final class TokenizerException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public TokenizerException(String message) {
        super(message);
    }

    public TokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
