package dev.flywheel.store.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import dev.flywheel.store.core.Refusal;
import dev.flywheel.store.core.Refusal.Reason;
import dev.flywheel.store.core.StoreException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one table from what went wrong to what the caller is told. */
final class Errors {
    private static final Logger LOG = LoggerFactory.getLogger(Errors.class);
    private static final String DOMAIN = "flywheel";

    private Errors() {}

    static StatusRuntimeException of(Refusal refusal) {
        return error(code(refusal.reason()), refusal.reason().name(), refusal.message(),
                refusal.details(), detail(refusal));
    }

    private static Code code(Reason reason) {
        return switch (reason) {
            case ADAPTER_NOT_FOUND, VERSION_NOT_FOUND, MANIFEST_NOT_FOUND -> Code.NOT_FOUND;
            case ADAPTER_EXISTS -> Code.ALREADY_EXISTS;
            case ALIAS_CONFLICT, ADAPTER_CONFLICT, HEAD_CONFLICT -> Code.ABORTED;
            case TOO_MANY_EXAMPLES -> Code.INVALID_ARGUMENT;
            case TOO_MANY_ADAPTERS, TOO_MANY_ALIASES, TOO_MANY_OPEN_MANIFESTS ->
                Code.RESOURCE_EXHAUSTED;
            case VERSION_NOT_KEPT, VERSION_NOT_IN_LINEAGE, VERSION_NOT_ROLLED_BACK,
                    VERSION_EXPIRED, STALE_EPOCH,
                    REPAIR_BEGAN,
                    NOTHING_TO_REPAIR, HEAD_MOVED, SEQ_TAKEN, SEQ_OUT_OF_RANGE,
                    OUTCOME_DIFFERS, EXAMPLE_NOT_CLAIMED, BLOB_MISSING ->
                Code.FAILED_PRECONDITION;
        };
    }

    private static @Nullable Message detail(Refusal refusal) {
        return switch (code(refusal.reason())) {
            case NOT_FOUND, ALREADY_EXISTS -> resource(refusal.subject(), refusal.message());
            case FAILED_PRECONDITION -> PreconditionFailure.newBuilder()
                    .addViolations(PreconditionFailure.Violation.newBuilder()
                            .setType(refusal.reason().name())
                            .setSubject(refusal.subject())
                            .setDescription(refusal.message()))
                    .build();
            case INVALID_ARGUMENT -> field("examples", refusal.message());
            default -> null;
        };
    }

    /** A field that cannot be what it is; {@code problem} says what came and what is allowed. */
    static StatusRuntimeException badField(String field, String problem) {
        return error(Code.INVALID_ARGUMENT, "BAD_FIELD", field + " " + problem, Map.of(),
                field(field, problem));
    }

    private static Message field(String field, String problem) {
        return BadRequest.newBuilder()
                .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                        .setField(field)
                        .setDescription(problem))
                .build();
    }

    /** @param expired whether there was one, which is not kept any more */
    static StatusRuntimeException noManifest(String adapter, long seq, boolean expired) {
        String subject = "manifest " + seq + " of " + adapter;
        return expired
                ? notFound("MANIFEST_EXPIRED", subject, subject
                        + " is older than store.manifests_kept: what it was made of is not kept any more")
                : notFound("MANIFEST_NOT_FOUND", subject);
    }

    static StatusRuntimeException notFound(String reason, String subject) {
        return notFound(reason, subject, "there is no " + subject);
    }

    static StatusRuntimeException notFound(String reason, String subject, String message) {
        return error(Code.NOT_FOUND, reason, message, Map.of(), resource(subject, message));
    }

    /** {@code subject} is a kind and a name, e.g. {@code adapter news/ranker}. */
    private static Message resource(String subject, String message) {
        int space = subject.indexOf(' ');
        return ResourceInfo.newBuilder()
                .setResourceType("flywheel/" + subject.substring(0, Math.max(space, 0)))
                .setResourceName(subject.substring(space + 1))
                .setDescription(message)
                .build();
    }

    static StatusRuntimeException exhausted(String reason, String message) {
        return error(Code.RESOURCE_EXHAUSTED, reason, message, Map.of(), retryIn(1));
    }

    static StatusRuntimeException interrupted(String why) {
        return error(Code.UNAVAILABLE, "STORE_UNAVAILABLE", why, Map.of(), retryIn(1));
    }

    /** Whatever a service failed with. */
    static StatusRuntimeException of(Throwable failure) {
        return switch (failure) {
            case StatusRuntimeException status -> status;
            case CompletionException wrapped when wrapped.getCause() != null ->
                of(wrapped.getCause());
            case StoreException store -> of(store);
            default -> {
                LOG.error("a call failed", failure);
                yield error(Code.INTERNAL, "INTERNAL",
                        "the store failed inside; its log says why", Map.of(), null);
            }
        };
    }

    private static StatusRuntimeException of(StoreException failure) {
        return switch (failure.kind()) {
            case CORRUPT -> {
                LOG.error("stored bytes are damaged", failure);
                yield error(Code.DATA_LOSS, "ARTIFACT_CORRUPT", failure.getMessage(), Map.of(),
                        null);
            }
            case OVERLOADED -> exhausted("QUEUE_FULL", "too many commands wait in the store");
            case DISK_FULL -> exhausted("DISK_FULL", "the store's disk is full");
            case IO, UNAVAILABLE, IN_USE, FORMAT_TOO_NEW ->
                interrupted("the store cannot write now; try again");
        };
    }

    private static Message retryIn(int seconds) {
        return RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setSeconds(seconds))
                .build();
    }

    private static StatusRuntimeException error(Code code, String reason, @Nullable String message,
            Map<String, String> metadata, @Nullable Message detail) {
        com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder()
                .setCode(code.getNumber())
                .setMessage(String.valueOf(message))
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason(reason)
                        .setDomain(DOMAIN)
                        .putAllMetadata(metadata)
                        .build()));
        if (detail != null) {
            status.addDetails(Any.pack(detail));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }
}
