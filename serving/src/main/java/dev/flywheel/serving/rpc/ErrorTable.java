package dev.flywheel.serving.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

/**
 * How each {@link ErrorCode} looks on the wire: a gRPC status, {@code ErrorInfo} with the code as its reason, and
 * one detail that fits. The one place that knows.
 */
final class ErrorTable {
    private static final String DOMAIN = "flywheel";

    private ErrorTable() {}

    static StatusRuntimeException toStatus(ServingException failure) {
        Status.Builder status = Status.newBuilder()
                .setCode(code(failure.code()).getNumber())
                .setMessage(String.valueOf(failure.getMessage()))
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason(failure.code().name())
                        .setDomain(DOMAIN)
                        .putAllMetadata(failure.facts())
                        .build()));
        addDetail(status, failure);
        failure.retryAfter()
                .ifPresent(delay -> status.addDetails(Any.pack(RetryInfo.newBuilder()
                        .setRetryDelay(Duration.newBuilder()
                                .setSeconds(delay.getSeconds())
                                .setNanos(delay.getNano()))
                        .build())));
        return StatusProto.toStatusRuntimeException(status.build());
    }

    static Code code(ErrorCode code) {
        return switch (code) {
            case BAD_FIELD, CONTEXT_TOO_LONG -> Code.INVALID_ARGUMENT;
            case AUTH -> Code.PERMISSION_DENIED;
            case ADAPTER_NOT_FOUND -> Code.NOT_FOUND;
            case ADAPTER_NOT_SERVABLE -> Code.FAILED_PRECONDITION;
            case ARTIFACT_CORRUPT -> Code.DATA_LOSS;
            case QUEUE_FULL, TENANT_QUOTA, ADAPTER_QUOTA -> Code.RESOURCE_EXHAUSTED;
            case DRAINING, LOADING, FEEDBACK_NOT_TAKEN -> Code.UNAVAILABLE;
            case NOT_OFFERED -> Code.UNIMPLEMENTED;
            case DEADLINE -> Code.DEADLINE_EXCEEDED;
            case CANCELLED -> Code.CANCELLED;
            case INTERNAL -> Code.INTERNAL;
        };
    }

    private static void addDetail(Status.Builder status, ServingException failure) {
        String subject = failure.subject();
        String message = String.valueOf(failure.getMessage());
        Message detail = switch (failure.code()) {
            case BAD_FIELD, CONTEXT_TOO_LONG -> BadRequest.newBuilder()
                    .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                            .setField(subject)
                            .setDescription(message))
                    .build();
            case ADAPTER_NOT_FOUND, ARTIFACT_CORRUPT -> ResourceInfo.newBuilder()
                    .setResourceType("flywheel.v1.Version")
                    .setResourceName(subject)
                    .setDescription(message)
                    .build();
            case ADAPTER_NOT_SERVABLE -> PreconditionFailure.newBuilder()
                    .addViolations(PreconditionFailure.Violation.newBuilder()
                            .setType(failure.code().name())
                            .setSubject(subject)
                            .setDescription(message))
                    .build();
            case TENANT_QUOTA, ADAPTER_QUOTA -> QuotaFailure.newBuilder()
                    .addViolations(QuotaFailure.Violation.newBuilder()
                            .setSubject(failure.code() == ErrorCode.TENANT_QUOTA ? "tenant"
                                    : "adapter")
                            .setDescription(message))
                    .build();
            case AUTH, QUEUE_FULL, DRAINING, LOADING, FEEDBACK_NOT_TAKEN, NOT_OFFERED, DEADLINE,
                    CANCELLED, INTERNAL ->
                ErrorInfo.getDefaultInstance();
        };
        if (!(detail instanceof ErrorInfo)) {
            status.addDetails(Any.pack(detail));
        }
    }
}
