package dev.flywheel.trainer.adapter;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.ReleasePolicy;
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
     * @throws DeletedAdapterException if there was one of that name
     * @throws IllegalStateException if the one that exists is of another base model
     */
    public static AdapterRecord create(
            StoreClient store, BaseModel base, AdapterName name, AdapterSettings settings) {
        String baseDigest = base.digest().hex();
        CreateAdapterRequest request =
                CreateAdapterRequest.newBuilder()
                        .setName(name.value())
                        .setTenant(settings.tenant())
                        .setBaseDigest(baseDigest)
                        .setLora(settings.lora())
                        .setRound(settings.round())
                        .setRelease(settings.release())
                        .setStartDigest(putStart(store, base, settings.lora()))
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

    /**
     * Returns a request with what it leaves out filled in: the base that is loaded, weights to start from, uploaded, and the
     * rest as the defaults say.
     *
     * @param rankMax the largest rank that is taken
     * @throws IllegalArgumentException that begins with the name of the field that does not fit the base
     */
    public static CreateAdapterRequest complete(
            StoreClient store, BaseModel base, AdapterSettings defaults, int rankMax,
            CreateAdapterRequest request) {
        CreateAdapterRequest.Builder complete = request.toBuilder();
        if (!request.hasRound()) {
            complete.setRound(defaults.round());
        }
        if (request.getRelease() == ReleasePolicy.RELEASE_POLICY_UNSPECIFIED) {
            complete.setRelease(defaults.release());
        }
        if (request.getBaseDigest().isEmpty()) {
            complete.setBaseDigest(base.digest().hex());
        }
        if (!request.getStartDigest().isEmpty()) {
            return complete.build();
        }
        if (!complete.getBaseDigest().equals(base.digest().hex())) {
            throw new IllegalArgumentException(
                    ("base_digest must be that of the base here, %s, or empty, since no weights to start from are given;"
                            + " was '%s'")
                            .formatted(base.digest().hex(), cut(complete.getBaseDigest())));
        }
        LoraSettings lora = complete(request.getLora(),
                defaults.onTargetsOf(base.linearModules().keySet()).lora());
        requireRank("lora.rank", lora.getRank(), rankMax);
        lora.getModuleRanksMap()
                .forEach((module, rank) -> requireRank("lora.module_ranks", rank, rankMax));
        try {
            return complete.setLora(lora).setStartDigest(putStart(store, base, lora)).build();
        } catch (IllegalArgumentException | AdapterException refused) {
            throw new IllegalArgumentException("lora." + refused.getMessage(), refused);
        }
    }

    private static LoraSettings complete(LoraSettings asked, LoraSettings defaults) {
        LoraSettings.Builder complete = asked.toBuilder();
        if (asked.getRank() == 0) {
            complete.setRank(defaults.getRank());
        }
        if (asked.getAlpha() == 0) {
            complete.setAlpha(defaults.getAlpha() / defaults.getRank()
                    * Integer.toUnsignedLong(complete.getRank()));
        }
        if (asked.getTargetModulesCount() == 0) {
            complete.addAllTargetModules(defaults.getTargetModulesList());
        }
        return complete.build();
    }

    private static void requireRank(String field, int rank, int rankMax) {
        if (rank < 1 || rank > rankMax) {
            throw new IllegalArgumentException(
                    "%s must be 1 to %d, was %s; more takes a higher engine.rank_max of the node"
                            .formatted(field, rankMax, Integer.toUnsignedString(rank)));
        }
    }

    private static String cut(String text) {
        return text.length() > 80 ? text.substring(0, 80) + "..." : text;
    }

    private static String putStart(StoreClient store, BaseModel base, LoraSettings lora) {
        LoraWeights start =
                LoraWeights.start(
                        Conversions.loraConfig(lora), base.linearModules(), lora.getSeed());
        return store.putBlob(start.toSafetensors()).getDigest();
    }

    private static AdapterRecord createOrGet(StoreClient store, CreateAdapterRequest request) {
        try {
            return store.createAdapter(request);
        } catch (StatusRuntimeException refused) {
            if (refused.getStatus().getCode() == Status.Code.ALREADY_EXISTS) {
                return existing(store, request.getName());
            }
            throw refused;
        }
    }

    /** A name stays taken for good, so an adapter that exists and is not found was deleted. */
    private static AdapterRecord existing(StoreClient store, String name) {
        try {
            return store.getAdapter(name);
        } catch (StatusRuntimeException refused) {
            if (refused.getStatus().getCode() == Status.Code.NOT_FOUND) {
                throw new DeletedAdapterException(name, refused);
            }
            throw refused;
        }
    }
}
