package dev.flywheel.app.cli;

import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.app.cli.RepairOptions.Repaired;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The way back to an earlier version. */
@Command(
        name = "rollback",
        mixinStandardHelpOptions = true,
        description = {
            "Takes an adapter back to an earlier version: it serves that at once and learns on from it. What it learned since is quarantined.",
            "Where training cannot go on from that very version, since its optimizer state is no longer kept, the rounds before it are"
                    + " trained again from the last version that it can, to the same weights."
        })
public final class RollbackCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--adapter", paramLabel = "NAME", required = true,
            description = "Adapter, such as default/news.") private String adapter = "";

    @Option(names = "--to", paramLabel = "N", required = true,
            description = "The version to go back to; one that HEAD came from.") private long version;

    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private AuditOptions audit = new AuditOptions();
    @Mixin private RepairOptions repairs = new RepairOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        var unused = UsageChecks.adapter(spec, "--adapter", adapter);
        UsageChecks.require(spec, version >= 0, "--to", version, "at least 0");
        Repair repair = registry.ask(store -> store.rollback(RollbackRequest.newBuilder()
                .setAdapter(adapter)
                .setVersion(version)
                .setExpectedHead(store.getAdapter(adapter).getHead())
                .setActor(audit.actor())
                .setReason(audit.reason())
                .build()));
        Repaired done = repairs.await(registry, output, adapter, repair);
        output.print(done, done.text());
        return done.done() ? 0 : 1;
    }
}
