package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.rounds.NodeLineage;
import dev.flywheel.app.tool.AdapterExport;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where manifests are read, which hold what users said: in the data folder of a node, or at a store process. */
final class StorePlaceOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(names = "--data", paramLabel = "DIR",
            description = "The node's data folder. Default: data, in the current folder.") private @Nullable Path data;

    @Option(names = "--store", paramLabel = "HOST:PORT",
            description = "Internal port of a store process, in place of a folder.") private @Nullable String address;

    void check() {
        if (data != null && address != null) {
            throw UsageChecks.wrong(spec, "give either --data DIR or --store HOST:PORT");
        }
        if (address != null) {
            UsageChecks.requireAddress(spec, "--store", address);
        }
    }

    /** Works on the store; what it refuses is told in its own words. */
    <R> R ask(FlywheelConfig config, Function<StoreClient, R> work) {
        try {
            if (address != null) {
                try (StoreClient store = StoreClient.connect(address)) {
                    return work.apply(store);
                }
            }
            try (NodeLineage node =
                    NodeLineage.of(config, data == null ? Path.of("data") : data)) {
                return work.apply(node.store());
            }
        } catch (StatusRuntimeException e) {
            throw AdapterExport.refused(e);
        }
    }
}
