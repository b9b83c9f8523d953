package dev.flywheel.app.cli;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Everything about one adapter. */
@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        description = "Shows one adapter: its shape, every setting with what is in force, its aliases, and what was done to it by whom.")
final class AdapterShowCommand implements Callable<Integer> {
    private static final int AUDIT_MAX = 1_000;

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME",
            description = "Adapter, such as default/main; also a deleted one.") private String name;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "20",
            description = "Shows only the N newest entries of the audit, at most 1000. Default: ${DEFAULT-VALUE}.") private int limit =
                    20;

    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Override
    public Integer call() {
        var unused = UsageChecks.adapter(spec, "argument NAME", name);
        UsageChecks.require(spec, limit >= 1 && limit <= AUDIT_MAX, "--limit", limit,
                "1 to " + AUDIT_MAX);
        AdapterView view = registry.ask(store -> AdapterView.of(
                record(store),
                store.listAliases(name), store.listAudit(name, limit)));
        output.print(view, view.text());
        return 0;
    }

    /** A deleted one is found among all. */
    private AdapterRecord record(StoreClient store) {
        try {
            return store.getAdapter(name);
        } catch (StatusRuntimeException e) {
            return store.listAllAdapters()
                    .stream()
                    .filter(each -> each.getName().equals(name))
                    .findFirst()
                    .orElseThrow(() -> e);
        }
    }
}
