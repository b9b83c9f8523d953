package dev.flywheel.app.cli;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.peft.PeftAdapter;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.StoredAdapters;
import dev.flywheel.app.tool.AdapterCheck;
import dev.flywheel.app.tool.AdapterExport;
import dev.flywheel.app.tool.ToolException;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.WeightFormat;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A PEFT folder as a new stored adapter. */
@Command(
        name = "import",
        mixinStandardHelpOptions = true,
        description = {
            "Makes a new adapter in a node's store whose version 0 is a PEFT folder's weights, bit for bit. It is served when the"
                    + " node starts, and learns on from there.",
            "The node must not be running: weights come in from within its process only."
        })
final class AdapterImportCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "PEFT folder.") private Path folder;

    @Option(names = "--name", paramLabel = "NAME", required = true,
            description = "New adapter, such as default/imported.") private String name;

    @Option(names = "--data", paramLabel = "DIR", required = true,
            description = "Data folder of the node, made if it is missing.") private Path data;

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model that the node serves. Default: the built-in one.") private @Nullable Path model;

    @Option(names = "--config", paramLabel = "FILE",
            description = "The node's settings: how the adapter is to learn, and"
                    + " limits. Default: the defaults.") private @Nullable Path config;

    @Option(names = "--weights", paramLabel = "FORMAT",
            converter = WeightFormatConverter.class,
            description = "How the node holds its base: stored, q8 or q4; to each belong adapters of its own. Default: the"
                    + " setting engine.weights.") private @Nullable WeightFormat weights;

    @Mixin private OutputOptions output = new OutputOptions();

    /** What was made. */
    record Imported(
            String adapter,
            long version,
            String digest,
            String baseDigest,
            @Nullable String baseModel,
            int rank,
            double alpha) {}

    @Override
    public Integer call() {
        AdapterName adapter = UsageChecks.adapter(spec, "--name", name);
        FlywheelConfig settings = new ConfigLoader().load(Map.of(), config, Map.of());
        WeightFormat format = weights == null
                ? WeightFormat.named(settings.engine().weights())
                : weights;
        PeftAdapter imported;
        String baseDigest;
        try (Backend backend = Backends.open("cpu", 1);
                BaseModel base = BaseModel.load(
                        ModelFolder.find(model), backend, format, output.reading())) {
            imported = AdapterCheck.readWhole(folder, base);
            requireRank(imported.weights().config().rankMax(), settings.engine().rankMax());
            baseDigest = base.digest().hex();
        }
        try (StoredAdapters stored = StoredAdapters.open(settings, data, true)) {
            stored.requireBase(baseDigest);
            AdapterRecord made = stored.create(adapter, baseDigest, imported);
            Imported result =
                    new Imported(made.getName(), 0, imported.weights().digest().hex(), baseDigest,
                            imported.baseModel(), made.getLora().getRank(),
                            made.getLora().getAlpha());
            output.print(result, "made adapter %s, version 0, made for %s%ndigest %s".formatted(
                    result.adapter(), result.baseModel() == null ? "a base it does not name"
                            : result.baseModel(),
                    result.digest()));
            return 0;
        } catch (StatusRuntimeException e) {
            throw AdapterExport.refused(e);
        }
    }

    private static void requireRank(int rank, int rankMax) {
        if (rank > rankMax) {
            throw new ToolException(
                    ("the adapter has rank %d, engine.rank_max is %d; raise it in the settings of the node and give"
                            + " them with --config")
                            .formatted(rank, rankMax));
        }
    }
}
