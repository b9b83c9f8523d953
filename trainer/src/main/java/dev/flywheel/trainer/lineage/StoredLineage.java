package dev.flywheel.trainer.lineage;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The lineage as a store tells it through its services; the client is the caller's. */
public final class StoredLineage implements LineageSource {
    private final StoreClient store;

    public StoredLineage(StoreClient store) {
        this.store = store;
    }

    @Override
    public @Nullable AdapterRecord adapter(String name) {
        return orNull(() -> store.getAdapter(name));
    }

    @Override
    public @Nullable VersionRecord version(String adapter, long number) {
        return orNull(() -> store.getVersion(adapter, number));
    }

    @Override
    public @Nullable Manifest manifest(String adapter, long seq) {
        return orNull(() -> store.getManifest(adapter, seq));
    }

    @Override
    public byte @Nullable [] blob(String digest) {
        Blob blob = orNull(() -> new Blob(store.getBlob(digest)));
        return blob == null ? null : blob.bytes();
    }

    private record Blob(byte[] bytes) {}

    private static <T> @Nullable T orNull(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException failed) {
            if (failed.getStatus().getCode() == Status.Code.NOT_FOUND) {
                return null;
            }
            throw failed;
        }
    }
}
