package dev.flywheel.app.cli;

import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.app.cli.RepairOptions.Repaired;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Single rounds out of what was learned. */
@Command(
        name = "excise",
        mixinStandardHelpOptions = true,
        description = {
            "Takes single rounds out of what an adapter has learned: their feedback is quarantined, what came after them is trained again"
                    + " without them, from its manifests. Meanwhile the adapter serves the version before them."
        })
public final class ExciseCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--adapter", paramLabel = "NAME", required = true,
            description = "Adapter, such as default/news.") private String adapter = "";

    @Option(names = "--version-of-round", paramLabel = "N", required = true, split = ",",
            description = "Versions that the rounds made, such as 17,21.") private List<
                    Long> versions =
                            new ArrayList<>();

    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private AuditOptions audit = new AuditOptions();
    @Mixin private RepairOptions repairs = new RepairOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        var unused = UsageChecks.adapter(spec, "--adapter", adapter);
        Repair repair = registry.ask(store -> store.excise(ExciseRequest.newBuilder()
                .setAdapter(adapter)
                .addAllVersions(versions)
                .setExpectedHead(store.getAdapter(adapter).getHead())
                .setActor(audit.actor())
                .setReason(audit.reason())
                .build()));
        Repaired done = repairs.await(registry, output, adapter, repair);
        output.print(done, done.text());
        return done.done() ? 0 : 1;
    }
}
