package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.StoredAdapters;
import dev.flywheel.app.tool.AdapterExport;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where adapters are kept: at a running node, or in the data folder of one that is not running. */
final class RegistryOptions {
    /** Prints stack traces of what is told in one line here. Held, for a logger that nobody holds forgets its level. */
    private static final Logger CHANNEL_LOG =
            Logger.getLogger("io.grpc.internal.ManagedChannelImpl");

    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(names = "--node", paramLabel = "HOST:PORT",
            description = "A running node: its admin port, or another's for what is not for good. Shows the key in FLYWHEEL_KEY.")
    @Nullable String node;

    @Option(names = "--data", paramLabel = "DIR",
            description = "Data folder of a node that is not running.")
    @Nullable Path data;

    @Option(names = "--config", paramLabel = "FILE",
            description = "The node's settings, for --data. Default: the defaults.")
    @Nullable Path config;

    /** Fails unless exactly one place is given, and it can be one. */
    void check() {
        if ((node == null) == (data == null)) {
            throw UsageChecks.wrong(spec, "give either --node HOST:PORT or --data DIR");
        }
        if (node != null) {
            UsageChecks.requireAddress(spec, "--node", node);
        }
    }

    FlywheelConfig settings() {
        return new ConfigLoader().load(Map.of(), config, Map.of());
    }

    /** Asks the registry, wherever it is; what it refuses is told in its own words. */
    <R> R ask(Function<StoreClient, R> question) {
        check();
        CHANNEL_LOG.setLevel(Level.OFF);
        try {
            if (node != null) {
                try (StoreClient store = StoreClient.connect(node, OwnKey.get())) {
                    return question.apply(store);
                }
            }
            return inFolder(false, stored -> question.apply(stored.client()));
        } catch (StatusRuntimeException e) {
            throw AdapterExport.refused(e);
        }
    }

    /** Works on the data folder as a node would, so that the two cannot meet. */
    <R> R inFolder(boolean mayBeNew, Function<StoredAdapters, R> work) {
        Path folder = data;
        if (folder == null) {
            throw new IllegalStateException("there is no data folder");
        }
        try (StoredAdapters stored = StoredAdapters.open(settings(), folder, mayBeNew)) {
            return work.apply(stored);
        } catch (StatusRuntimeException e) {
            throw AdapterExport.refused(e);
        }
    }
}
