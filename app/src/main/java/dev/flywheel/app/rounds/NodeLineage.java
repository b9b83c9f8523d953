package dev.flywheel.app.rounds;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.Closing;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.local.StoreAddress;
import dev.flywheel.app.local.StoredAdapters;
import java.nio.file.Path;

/**
 * The store of a node, as those read it who may read the node's data folder: manifests hold what users
 * said, so no public port has them.
 *
 * <p>Of a node that runs it is asked where the folder says that it listens on loopback; else the folder is
 * held meanwhile, so that no node starts on it.
 */
public final class NodeLineage implements AutoCloseable {
    private final Closing closing;
    private final StoreClient store;

    private NodeLineage(Closing closing, StoreClient store) {
        this.closing = closing;
        this.store = store;
    }

    /**
     * Reaches the store of a folder.
     *
     * @throws StartException if the folder holds no store, or is in use by something that is no node
     */
    public static NodeLineage of(FlywheelConfig config, Path data) {
        Closing closing = new Closing();
        try {
            StoredAdapters stored = StoredAdapters.open(config, data, false);
            return new NodeLineage(closing, closing.add("store", () -> stored).client());
        } catch (StartException unusable) {
            String address = StoreAddress.read(data);
            if (address == null) {
                throw unusable;
            }
            return new NodeLineage(closing,
                    closing.add("store client", () -> StoreClient.connect(address)));
        }
    }

    public StoreClient store() {
        return store;
    }

    @Override
    public void close() {
        closing.close();
    }
}
