package dev.flywheel.app.cli;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.app.setting.SettingTree;
import dev.flywheel.app.tool.ToolException;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A new adapter that changes nothing yet. */
@Command(
        name = "create",
        mixinStandardHelpOptions = true,
        description = {
            "Makes an adapter whose version 0 changes no answer. It is served, and learns, from now on.",
            "At a running node (--node), or in the data folder of one that is not running (--data)."
        })
final class AdapterCreateCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME",
            description = "New adapter, such as default/news.") private String name;

    @Option(names = "--for", paramLabel = "WHAT", defaultValue = "corrections",
            description = "What it mostly learns from, clicks, rates (clicks, as their probabilities), rewards (as what the slate's"
                    + " order brought) or corrections: what is not set is as suits that on the built-in base. Default: ${DEFAULT-VALUE}.") private AdapterPurpose purpose =
                            AdapterPurpose.corrections;

    @Option(names = "--tenant", paramLabel = "NAME", defaultValue = "default",
            description = "Whose requests it answers. Default: ${DEFAULT-VALUE}.") private String tenant =
                    "default";

    @Option(names = "--rank", paramLabel = "N",
            description = "As --set lora.rank=N; alpha follows, at twice the rank, unless it is set.") private @Nullable Integer rank;

    @Option(names = "--target", paramLabel = "MODULE", split = ",",
            description = "As --set lora.target_modules=MODULE,...: modules that get matrices. Default: all projections that the"
                    + " base has.") private List<String> targets = new ArrayList<>();

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model of the node, for --data. Default: the built-in one.") private @Nullable Path model;

    @Option(names = "--weights", paramLabel = "FORMAT",
            converter = WeightFormatConverter.class,
            description = "How the node holds its base, for --data: stored, q8 or q4. Default: the setting engine.weights.") private @Nullable WeightFormat weights;

    @Mixin private SettingOptions settings = new SettingOptions();
    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private AuditOptions audit = new AuditOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        var unused = UsageChecks.adapter(spec, "argument NAME", name);
        registry.check();
        CreateAdapterRequest request = request();
        AdapterRecord made = registry.node != null
                ? registry.ask(store -> store.createAdapter(request))
                : inFolder(request);
        output.print(AdapterView.of(made, List.of(), List.of()),
                "made adapter %s, rank %d on %s, base %s".formatted(made.getName(),
                        made.getLora().getRank(),
                        String.join(", ", made.getLora().getTargetModulesList()),
                        made.getBaseDigest().substring(0, 12)));
        return 0;
    }

    private CreateAdapterRequest request() {
        AdapterRecord asked = asked();
        return CreateAdapterRequest.newBuilder()
                .setName(name)
                .setTenant(tenant)
                .setLora(asked.getLora())
                .setRound(asked.getRound())
                .setRelease(asked.getRelease())
                .setLearning(asked.getLearning())
                .setExploration(asked.getExploration())
                .setQuota(asked.getQuota())
                .setActor(audit.actor())
                .build();
    }

    /** Which modules the base has, and which alpha goes with a rank, is filled in where the base is. */
    private AdapterRecord asked() {
        AdapterRecord suiting = purpose.adapter();
        LoraSettings open = suiting.getLora()
                .toBuilder()
                .clearAlpha()
                .clearTargetModules()
                .build();
        SettingTree tree =
                new SettingTree(suiting.toBuilder().setLora(open).build(), SettingTree.ALL);
        settings.lay(tree);
        if (rank != null) {
            UsageChecks.requireAtLeast(spec, "--rank", rank, 1);
            tree.set("lora.rank", Integer.toString(rank));
        }
        if (!targets.isEmpty()) {
            tree.set("lora.target_modules", String.join(",", targets));
        }
        return tree.adapter();
    }

    private AdapterRecord inFolder(CreateAdapterRequest request) {
        WeightFormat format = weights == null
                ? WeightFormat.named(registry.settings().engine().weights())
                : weights;
        try (Backend backend = Backends.open("cpu", 1);
                BaseModel base = BaseModel.load(ModelFolder.find(model), backend, format,
                        output.reading())) {
            return registry.inFolder(true, stored -> {
                stored.requireBase(base.digest().hex());
                try {
                    return stored.create(base, request);
                } catch (IllegalArgumentException e) {
                    throw new ToolException(String.valueOf(e.getMessage()), e);
                }
            });
        }
    }
}
