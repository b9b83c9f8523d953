package dev.flywheel.engine.jinja;

/**
 * A template cannot be read or rendered.
 *
 * <p>{@link #reason} alone is what Jinja2 would say, or the text that the template itself gave to
 * {@code raise_exception}; the message adds the line.
 */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Why a template stopped. */
    public enum Kind {
        /** It is not a Jinja template. */
        SYNTAX,
        /** It uses something that is left out here. */
        UNSUPPORTED,
        /** It called {@code raise_exception}: the input is not what it takes. */
        RAISED,
        /** An operation failed, as it does in Jinja2. */
        FAILED,
        /** It made too much work or text. */
        LIMIT
    }

    private final Kind kind;
    private final String reason;

    TemplateException(Kind kind, String reason) {
        this(kind, reason, 0);
    }

    private TemplateException(Kind kind, String reason, int line) {
        super(line == 0 || kind == Kind.RAISED ? reason
                : reason + " (line " + line + " of the template)");
        this.kind = kind;
        this.reason = reason;
    }

    static TemplateException syntax(String reason, int line) {
        return new TemplateException(Kind.SYNTAX, reason, line);
    }

    static TemplateException unsupported(String what) {
        return new TemplateException(Kind.UNSUPPORTED,
                what + " is not supported in chat templates");
    }

    static TemplateException unsupported(String what, int line) {
        return new TemplateException(
                Kind.UNSUPPORTED, what + " is not supported in chat templates", line);
    }

    static TemplateException failed(String reason) {
        return new TemplateException(Kind.FAILED, reason);
    }

    static TemplateException limit(String reason) {
        return new TemplateException(Kind.LIMIT, reason);
    }

    /** Returns the same with the line, unless a line within was told before. */
    TemplateException at(int line) {
        if (!reason.equals(getMessage()) || kind == Kind.RAISED) {
            return this;
        }
        TemplateException told = new TemplateException(kind, reason, line);
        told.setStackTrace(getStackTrace());
        return told;
    }

    public Kind kind() {
        return kind;
    }

    public String reason() {
        return reason;
    }
}
