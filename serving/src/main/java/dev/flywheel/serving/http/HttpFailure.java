package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.flywheel.serving.error.ServingException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A refusal as HTTP says it, in the shape of OpenAI's errors.
 *
 * @param code why, in lower case
 * @param param the field that it is about, if it is about one
 * @param retryAfter when another try may succeed; zero if none is worth it
 */
record HttpFailure(
        int status,
        String code,
        String message,
        @Nullable String param,
        Duration retryAfter) {
    private static final int CLIENT_CLOSED = 499;

    static HttpFailure of(int status, String code, String message) {
        return new HttpFailure(status, code, message, null, Duration.ZERO);
    }

    /** A field that cannot be. */
    static HttpFailure of(ServingException refused) {
        return new HttpFailure(400, "bad_field", String.valueOf(refused.getMessage()),
                refused.subject(), Duration.ZERO);
    }

    /**
     * Says what a call's status says.
     *
     * @param names what this request calls the fields of {@code flywheel.v1}
     */
    static HttpFailure of(StatusRuntimeException failed, FieldNames names) {
        com.google.rpc.Status status = StatusProto.fromThrowable(failed);
        String reason = detail(status, ErrorInfo.class).map(ErrorInfo::getReason).orElse("");
        String field = detail(status, BadRequest.class)
                .filter(bad -> bad.getFieldViolationsCount() > 0)
                .map(bad -> bad.getFieldViolations(0).getField())
                .orElse("");
        String message = String.valueOf(failed.getStatus().getDescription());
        String param = names.of(field);
        return new HttpFailure(status(failed.getStatus().getCode()),
                code(failed.getStatus().getCode(), reason),
                !field.isEmpty() && message.startsWith(field)
                        ? param + message.substring(field.length())
                        : message,
                field.isEmpty() ? null : param,
                detail(status, RetryInfo.class).map(HttpFailure::delay).orElse(Duration.ZERO));
    }

    private static Duration delay(RetryInfo retry) {
        return Duration.ofSeconds(retry.getRetryDelay().getSeconds(),
                retry.getRetryDelay().getNanos());
    }

    private static <M extends Message> Optional<M> detail(com.google.rpc.@Nullable Status status,
            Class<M> type) {
        if (status != null) {
            for (Any any : status.getDetailsList()) {
                if (any.is(type)) {
                    try {
                        return Optional.of(any.unpack(type));
                    } catch (InvalidProtocolBufferException e) {
                        throw new IllegalStateException("made by this node", e);
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static int status(Status.Code code) {
        return switch (code) {
            case INVALID_ARGUMENT, OUT_OF_RANGE -> 400;
            case UNAUTHENTICATED -> 401;
            case PERMISSION_DENIED -> 403;
            case NOT_FOUND -> 404;
            case FAILED_PRECONDITION, ABORTED, ALREADY_EXISTS -> 409;
            case RESOURCE_EXHAUSTED -> 429;
            case CANCELLED -> CLIENT_CLOSED;
            case UNIMPLEMENTED -> 501;
            case UNAVAILABLE -> 503;
            case DEADLINE_EXCEEDED -> 504;
            case OK, UNKNOWN, INTERNAL, DATA_LOSS -> 500;
        };
    }

    /** Some codes are those that OpenAI's clients look for; the others are ours. */
    private static String code(Status.Code code, String reason) {
        return switch (reason) {
            case "" -> code.name().toLowerCase(java.util.Locale.ROOT);
            case "ADAPTER_NOT_FOUND" -> "model_not_found";
            case "CONTEXT_TOO_LONG" -> "context_length_exceeded";
            case "AUTH" -> code == Status.Code.UNAUTHENTICATED ? "invalid_api_key"
                    : "permission_denied";
            default -> reason.toLowerCase(java.util.Locale.ROOT);
        };
    }

    private String type() {
        return switch (status) {
            case 401 -> "authentication_error";
            case 403 -> "permission_error";
            case 404 -> "not_found_error";
            case 409 -> "conflict_error";
            case 429 -> "rate_limit_error";
            default -> status < 500 ? "invalid_request_error" : "server_error";
        };
    }

    ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.putObject("error")
                .put("message", message)
                .put("type", type())
                .put("param", param)
                .put("code", code);
        return json;
    }
}
