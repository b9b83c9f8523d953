package dev.flywheel.app.local;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftAdapter;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.store.Store;
import dev.flywheel.trainer.adapter.AdapterCreation;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;

/**
 * The adapters of a data folder that no node is using.
 *
 * <p>Holds the folder as a node would, so the two cannot meet. Not thread-safe.
 */
public final class StoredAdapters implements AutoCloseable {
    private static final String STORE = "store";

    private final Closing closing;
    private final FlywheelConfig config;
    private final StoreClient client;

    private StoredAdapters(Closing closing, FlywheelConfig config, StoreClient client) {
        this.closing = closing;
        this.config = config;
        this.client = client;
    }

    /**
     * Takes the folder.
     *
     * @param mayBeNew whether a folder without a store gets one
     * @throws StartException if a node uses it, or there is no store where one must be
     */
    public static StoredAdapters open(FlywheelConfig config, Path data, boolean mayBeNew) {
        if (!mayBeNew && !Files.isDirectory(data.resolve(STORE))) {
            throw new StartException(
                    "data folder %s holds no store; give the folder that ./flywheel up --data was given"
                            .formatted(data));
        }
        Closing closing = new Closing();
        try {
            DataFolder folder =
                    closing.add("data folder",
                            () -> DataFolder.take(data, config.data().freeMibMin(), "--data"));
            Store store = closing.add("store", () -> Store.open(
                    folder.folder(STORE), ModuleSettings.store(config), InstantSource.system()));
            InternalServer server = closing.add("store server",
                    () -> InternalServer.start(store.services(), store.inboundBytesMax(),
                            InternalServer.ANY));
            StoreClient client =
                    closing.add("store client", () -> StoreClient.connect(server.target()));
            return new StoredAdapters(closing, config, client);
        } catch (RuntimeException e) {
            closing.close();
            throw e;
        }
    }

    public StoreClient client() {
        return client;
    }

    /**
     * Fails if an adapter here belongs to another base: a node serves one, and passes over the adapters of others.
     *
     * @throws StartException if one does
     */
    public void requireBase(String baseDigest) {
        for (AdapterRecord adapter : client.listAdapters()) {
            if (!adapter.getBaseDigest().equals(baseDigest)) {
                throw new StartException(
                        ("the data folder belongs to base %s (adapter %s), the model is %s; give that base with --model, and with"
                                + " --weights how it is held, or another folder with --data")
                                .formatted(adapter.getBaseDigest(), adapter.getName(),
                                        baseDigest));
            }
        }
    }

    /** Makes an adapter whose version 0 has these weights; it learns as the settings say. */
    public AdapterRecord create(AdapterName name, String baseDigest, PeftAdapter imported) {
        LoraWeights weights = imported.weights();
        LoraConfig lora = weights.config();
        AdapterSettings settings = ModuleSettings.adapter(config.adapter());
        String digest = client.putBlob(weights.toSafetensors()).getDigest();
        return client.createAdapter(
                CreateAdapterRequest.newBuilder()
                        .setName(name.value())
                        .setTenant(settings.tenant())
                        .setBaseDigest(baseDigest)
                        .setLora(
                                settings.lora()
                                        .toBuilder()
                                        .setRank(lora.rank())
                                        .setAlpha(lora.alpha())
                                        .setRankStabilized(lora.rsLora())
                                        .putAllModuleRanks(lora.ranks())
                                        .putAllModuleAlphas(lora.alphas())
                                        .clearTargetModules()
                                        .addAllTargetModules(lora.targetModules()))
                        .setRound(settings.round())
                        .setRelease(settings.release())
                        .setStartDigest(digest)
                        .putAllPeftFields(imported.kept())
                        .build());
    }

    /** Makes an adapter as a node of this base would; what the request leaves out is as the settings say. */
    public AdapterRecord create(BaseModel base, CreateAdapterRequest request) {
        return client.createAdapter(AdapterCreation.complete(client, base,
                ModuleSettings.adapter(config.adapter()), config.engine().rankMax(), request));
    }

    @Override
    public void close() {
        closing.close();
    }
}
