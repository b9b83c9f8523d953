package dev.flywheel.trainer.server;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Map;

/** The statuses that a trainer answers with, in one table. */
final class Failures {
    private static final String DOMAIN = "trainer.flywheel.dev";

    private Failures() {}

    /** The round cannot run here, or not as it was claimed. */
    static StatusRuntimeException notHere(String reason, String message,
            Map<String, String> facts) {
        return of(Code.FAILED_PRECONDITION, message, info(reason, facts));
    }

    static StatusRuntimeException malformed(String message) {
        return of(Code.INVALID_ARGUMENT, message, info("MALFORMED", Map.of()));
    }

    static StatusRuntimeException shed(int waitingMax, Duration retryAfter) {
        RetryInfo retry =
                RetryInfo.newBuilder()
                        .setRetryDelay(
                                com.google.protobuf.Duration.newBuilder()
                                        .setSeconds(retryAfter.getSeconds())
                                        .setNanos(retryAfter.getNano()))
                        .build();
        return of(
                Code.RESOURCE_EXHAUSTED,
                waitingMax
                        + " rounds wait already; try again after "
                        + retryAfter.toMillis()
                        + " ms, add a trainer or raise trainer.rounds_waiting_max",
                Any.pack(retry));
    }

    static StatusRuntimeException closing() {
        return of(
                Code.UNAVAILABLE,
                "the trainer is shutting down; ask another one",
                info("CLOSING", Map.of()));
    }

    static StatusRuntimeException stopped() {
        return of(
                Code.CANCELLED,
                "the round was stopped because nobody waited for it",
                info("STOPPED", Map.of()));
    }

    static StatusRuntimeException superseded(long epoch) {
        return of(
                Code.CANCELLED,
                "the round was asked for in the later epoch " + epoch,
                info("SUPERSEDED", Map.of()));
    }

    static StatusRuntimeException dead() {
        return of(
                Code.UNAVAILABLE,
                "the trainer's thread has ended and its log says why; start the process again",
                info("TRAINER_DEAD", Map.of()));
    }

    static StatusRuntimeException broken(String message) {
        return of(Code.INTERNAL, message, info("BUG", Map.of()));
    }

    private static Any info(String reason, Map<String, String> facts) {
        return Any.pack(
                ErrorInfo.newBuilder()
                        .setReason(reason)
                        .setDomain(DOMAIN)
                        .putAllMetadata(facts)
                        .build());
    }

    private static StatusRuntimeException of(Code code, String message, Any detail) {
        return StatusProto.toStatusRuntimeException(
                com.google.rpc.Status.newBuilder()
                        .setCode(code.getNumber())
                        .setMessage(message)
                        .addDetails(detail)
                        .build());
    }
}
