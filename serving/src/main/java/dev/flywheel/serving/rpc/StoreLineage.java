package dev.flywheel.serving.rpc;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.serving.freshness.LineageSource;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Optional;
import java.util.function.Supplier;

/** A version's past, from the store over gRPC. What the store does not have is told as empty records, so that nobody asks again. */
final class StoreLineage implements LineageSource {
    private final StoreClient store;

    StoreLineage(StoreClient store) {
        this.store = store;
    }

    @Override
    public Optional<VersionRecord> version(String adapter, long number) {
        return asked(() -> store.getVersion(adapter, number), VersionRecord.getDefaultInstance());
    }

    @Override
    public Optional<ManifestRecord> manifest(String adapter, long seq) {
        return asked(() -> store.getManifestRecord(adapter, seq),
                ManifestRecord.getDefaultInstance());
    }

    private static <T> Optional<T> asked(Supplier<T> question, T gone) {
        try {
            return Optional.of(question.get());
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode() == Status.Code.NOT_FOUND ? Optional.of(gone)
                    : Optional.empty();
        }
    }
}
