package dev.flywheel.pipelines.round;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.grpc.protobuf.StatusProto;
import java.util.Set;
import java.util.concurrent.CompletionException;

/**
 * Why a call failed.
 *
 * @param reason the server's name for it, {@code ErrorInfo.reason}; empty if it gave none
 */
record CallFailure(Code code, String reason, String message) {
    /** Time alone may heal these: the server is away, busy or shutting down. */
    private static final Set<Code> PASSING = Set.of(Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED,
            Code.RESOURCE_EXHAUSTED, Code.ABORTED, Code.CANCELLED);

    /** The store's and the trainer's names for: another writer has this adapter now. */
    private static final Set<String> LOST = Set.of("STALE_EPOCH", "HEAD_MOVED", "OLD_EPOCH");

    static CallFailure of(Throwable thrown) {
        Throwable cause =
                thrown instanceof CompletionException && thrown.getCause() != null
                        ? thrown.getCause()
                        : thrown;
        io.grpc.Status status = io.grpc.Status.fromThrowable(cause);
        String description = status.getDescription();
        return new CallFailure(status.getCode(), reason(cause),
                description == null ? cause.toString() : description);
    }

    private static String reason(Throwable cause) {
        Status details = StatusProto.fromThrowable(cause);
        if (details == null) {
            return "";
        }
        return details.getDetailsList()
                .stream()
                .filter(any -> any.is(ErrorInfo.class))
                .findFirst()
                .map(any -> {
                    try {
                        return any.unpack(ErrorInfo.class).getReason();
                    } catch (InvalidProtocolBufferException e) {
                        return "";
                    }
                })
                .orElse("");
    }

    /** The call's own deadline has passed. */
    boolean outOfTime() {
        return code == Code.DEADLINE_EXCEEDED;
    }

    boolean passing() {
        return PASSING.contains(code);
    }

    boolean epochLost() {
        return code == Code.FAILED_PRECONDITION && LOST.contains(reason);
    }

    /** The store holds no such adapter, or holds it as deleted. */
    boolean noAdapter() {
        return code == Code.NOT_FOUND && (reason.isEmpty() || is("ADAPTER_NOT_FOUND"));
    }

    boolean is(String name) {
        return reason.equals(name);
    }

    @Override
    public String toString() {
        return code + (reason.isEmpty() ? "" : " (" + reason + ")") + ": " + message;
    }
}
