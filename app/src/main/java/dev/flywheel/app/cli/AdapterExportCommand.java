package dev.flywheel.app.cli;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.local.StoredAdapters;
import dev.flywheel.app.tool.AdapterExport;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A stored version as a PEFT folder. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        description = {
            "Writes a version of a stored adapter as a PEFT folder that peft loads, with flywheel.json beside it.",
            "Takes it from a running node (--node), or from the data folder of one that is not running (--data)."
        })
final class AdapterExportCommand implements Callable<Integer> {
    /** Prints stack traces of what is told in one line here. Held, for a logger that nobody holds forgets its level. */
    private static final Logger CHANNEL_LOG =
            Logger.getLogger("io.grpc.internal.ManagedChannelImpl");

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME",
            description = "Adapter, such as default/main.") private String name;

    @Option(names = "--number", paramLabel = "N|ALIAS", defaultValue = "serving",
            description = "Version's number, or an alias. Default: ${DEFAULT-VALUE}.") private String which =
                    "serving";

    @Option(names = "--node", paramLabel = "HOST:PORT",
            description = "A running node.") private @Nullable String node;

    @Option(names = "--data", paramLabel = "DIR",
            description = "Data folder of a node that is not running.") private @Nullable Path data;

    @Option(names = "--config", paramLabel = "FILE",
            description = "The node's settings, for --data. Default: the defaults.") private @Nullable Path config;

    @Option(names = "--out", paramLabel = "DIR", required = true,
            description = "New folder.") private Path out;

    @Option(names = "--base-name", paramLabel = "NAME", defaultValue = "",
            description = {
                "What PEFT is told the base is called (base_model_name_or_path), a folder or a name on the hub. Default: what the"
                        + " adapter was imported with, else the beginning of its digest."
            }) private String baseName =
                    "";

    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        CHANNEL_LOG.setLevel(Level.OFF);
        AdapterName adapter = UsageChecks.adapter(spec, "argument NAME", name);
        if ((node == null) == (data == null)) {
            throw UsageChecks.wrong(spec, "give either --node HOST:PORT or --data DIR");
        }
        if (node != null) {
            UsageChecks.requireAddress(spec, "--node", node);
        }
        Outputs.requireNewFolder("--out", out);
        AdapterExport export;
        if (node != null) {
            try (StoreClient store = StoreClient.connect(node)) {
                export = AdapterExport.write(store, adapter, which, baseName, out);
            }
        } else if (data != null) {
            try (StoredAdapters stored =
                    StoredAdapters.open(new ConfigLoader().load(Map.of(), config, Map.of()), data,
                            false)) {
                export = AdapterExport.write(stored.client(), adapter, which, baseName, out);
            }
        } else {
            throw new IllegalStateException();
        }
        output.print(export, "wrote version %d of %s to %s%ndigest %s".formatted(
                export.version(), export.adapter(), export.folder(), export.digest()));
        return 0;
    }
}
