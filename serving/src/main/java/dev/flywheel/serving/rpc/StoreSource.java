package dev.flywheel.serving.rpc;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.serving.adapter.VersionSource;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.function.Supplier;

/** Versions from the store over gRPC. */
public final class StoreSource implements VersionSource {
    private static final Duration RETRY_AFTER = Duration.ofMillis(250);

    private final StoreClient store;

    public StoreSource(StoreClient store) {
        this.store = store;
    }

    @Override
    public VersionRecord version(String adapter, long number) {
        return asked(adapter + "@" + number, () -> store.getVersion(adapter, number));
    }

    @Override
    public byte[] blob(String digest) {
        return asked("blob " + digest, () -> store.getBlob(digest));
    }

    @Override
    public String backendOf(String adapter, long manifestSeq) {
        return asked(adapter + " manifest " + manifestSeq,
                () -> store.getManifestRecord(adapter, manifestSeq).getBackend());
    }

    private static <T> T asked(String what, Supplier<T> question) {
        try {
            return question.get();
        } catch (StatusRuntimeException e) {
            throw switch (e.getStatus().getCode()) {
                case NOT_FOUND, INVALID_ARGUMENT -> ServingException.resource(
                        ErrorCode.ADAPTER_NOT_FOUND, what, "the store has no " + what);
                case DATA_LOSS -> ServingException.resource(ErrorCode.ARTIFACT_CORRUPT, what,
                        what + " does not have the bytes that its digest names");
                default -> ServingException.later(ErrorCode.LOADING,
                        "the store does not answer now: "
                                + e.getStatus()
                                        .getCode()
                                        .name()
                                        .toLowerCase(
                                                java.util.Locale.ROOT),
                        RETRY_AFTER);
            };
        }
    }
}
