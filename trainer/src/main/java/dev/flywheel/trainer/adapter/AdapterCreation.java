package dev.flywheel.trainer.adapter;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.engine.model.BaseModel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** Makes an adapter in the store: start weights uploaded as version 0, then its record. */
public final class AdapterCreation {
    private AdapterCreation() {}

    /**
     * Makes the adapter, or returns the one of that name if there is one already, with whatever
     * settings it was made.
     *
     * @throws IllegalStateException if the one that exists is of another base model
     */
    public static AdapterRecord create(
            StoreClient store, BaseModel base, AdapterName name, AdapterSettings settings) {
        LoraWeights start =
                LoraWeights.start(
                        Conversions.loraConfig(settings.lora()),
                        base.linearModules(),
                        settings.lora().getSeed());
        String baseDigest = base.digest().hex();
        String startDigest = store.putBlob(start.toSafetensors()).getDigest();
        CreateAdapterRequest request =
                CreateAdapterRequest.newBuilder()
                        .setName(name.value())
                        .setTenant(settings.tenant())
                        .setBaseDigest(baseDigest)
                        .setLora(settings.lora())
                        .setRound(settings.round())
                        .setRelease(settings.release())
                        .setStartDigest(startDigest)
                        .build();
        AdapterRecord record = createOrGet(store, request);
        if (!record.getBaseDigest().equals(baseDigest)) {
            throw new IllegalStateException(
                    ("adapter %s is of base %s, the loaded base is %s; choose another name or"
                            + " load that base")
                            .formatted(name, record.getBaseDigest(), baseDigest));
        }
        return record;
    }

    private static AdapterRecord createOrGet(StoreClient store, CreateAdapterRequest request) {
        try {
            return store.createAdapter(request);
        } catch (StatusRuntimeException refused) {
            if (refused.getStatus().getCode() == Status.Code.ALREADY_EXISTS) {
                return store.getAdapter(request.getName());
            }
            throw refused;
        }
    }
}
