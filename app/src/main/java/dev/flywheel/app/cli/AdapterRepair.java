package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.app.cli.RepairOptions.Repaired;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** One adapter of which something is taken out: which and where, who wants it and why, and how long that is waited for. */
final class AdapterRepair {
    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(names = "--adapter", paramLabel = "NAME", required = true,
            description = "Adapter, such as default/news.") private String adapter = "";

    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private AuditOptions audit = new AuditOptions();
    @Mixin private RepairOptions repairs = new RepairOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    /** What the store is told to do. */
    interface Order {
        /** @param adapter as it was just read */
        Repair give(StoreClient store, AdapterRecord adapter, AuditOptions audit);
    }

    /** Returns the command's exit code. */
    int carryOut(Order order) {
        var unused = UsageChecks.adapter(spec, "--adapter", adapter);
        Repair repair =
                registry.ask(store -> order.give(store, store.getAdapter(adapter), audit));
        Repaired done = repairs.await(registry, output, adapter, repair);
        output.print(done, done.text());
        return done.done() ? 0 : 1;
    }
}
