package dev.flywheel.serving.error;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * A request that is not answered, and why. The message is for the caller: it names no path, class or
 * other tenant's id.
 */
public final class ServingException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final ErrorCode code;
    private final String subject;
    private final Duration retryAfter;
    private final Map<String, String> facts;

    private ServingException(ErrorCode code, String message, String subject, Duration retryAfter,
            Map<String, String> facts) {
        // Expected failures need no stack trace; faults of ours carry a cause that has one.
        super(message, null, false, false);
        this.code = code;
        this.subject = subject;
        this.retryAfter = retryAfter;
        this.facts = Map.copyOf(facts);
    }

    /** A failure that has nothing to name. */
    public static ServingException of(ErrorCode code, String message) {
        return new ServingException(code, message, "", Duration.ZERO, Map.of());
    }

    /** A field of the request that cannot be. */
    public static ServingException field(String field, String message) {
        return new ServingException(ErrorCode.BAD_FIELD, field + " " + message, field,
                Duration.ZERO, Map.of());
    }

    /** As {@link #field}, with a message that names the field itself. */
    public static ServingException named(String field, String message) {
        return new ServingException(ErrorCode.BAD_FIELD, message, field, Duration.ZERO, Map.of());
    }

    /** A text that is longer than what it is to fit into; both are counted in {@code unit}. */
    public static ServingException tooLong(String field, long got, long limit, String unit) {
        return new ServingException(ErrorCode.CONTEXT_TOO_LONG,
                field + " has " + got + " " + unit + ", at most " + limit
                        + " fit; shorten it",
                field, Duration.ZERO,
                Map.of("got", Long.toString(got), "limit", Long.toString(limit), "unit", unit));
    }

    /** An adapter or version that cannot answer; {@code resource} is its name, with {@code @number} for a version. */
    public static ServingException resource(ErrorCode code, String resource, String message) {
        return new ServingException(code, message, resource, Duration.ZERO, Map.of());
    }

    /** A refusal that is worth another try. */
    public static ServingException later(ErrorCode code, String message, Duration retryAfter) {
        return new ServingException(code, message, "", retryAfter, Map.of());
    }

    public ErrorCode code() {
        return code;
    }

    /** Returns the field or resource that the failure is about; empty if there is none. */
    public String subject() {
        return subject;
    }

    /** Returns when another try may succeed, if one may. */
    public Optional<Duration> retryAfter() {
        return retryAfter.isZero() ? Optional.empty() : Optional.of(retryAfter);
    }

    /** Returns further figures for programs. */
    public Map<String, String> facts() {
        return facts;
    }
}
