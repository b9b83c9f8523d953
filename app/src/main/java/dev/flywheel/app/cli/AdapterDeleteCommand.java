package dev.flywheel.app.cli;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The end of an adapter. */
@Command(
        name = "delete",
        mixinStandardHelpOptions = true,
        description = {
            "Ends an adapter: requests for it are answered NOT_FOUND, feedback on its answers is refused, its weights are let go.",
            "There is no way back, and its name stays taken; export it before. What was done with it can still be read."
        })
final class AdapterDeleteCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME",
            description = "Adapter, such as default/news.") private String name;

    @Option(names = "--revision", paramLabel = "N",
            description = "Deletes it only if it is still at this revision. Default: the one it is at now.") private @Nullable Long revision;

    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private AuditOptions audit = new AuditOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    /** What was deleted, and how far it had learned. */
    record Deleted(String adapter, String revision, String head) {}

    @Override
    public Integer call() {
        var unused = UsageChecks.adapter(spec, "argument NAME", name);
        if (revision != null) {
            UsageChecks.require(spec, revision >= 0, "--revision", revision, "at least 0");
        }
        AdapterRecord gone = registry.ask(store -> store.deleteAdapter(
                DeleteAdapterRequest.newBuilder()
                        .setName(name)
                        .setExpectedRevision(revision == null
                                ? store.getAdapter(name).getRevision()
                                : revision)
                        .setActor(audit.actor())
                        .setReason(audit.reason())
                        .build()));
        Deleted deleted = new Deleted(name, Long.toUnsignedString(gone.getRevision()),
                Long.toUnsignedString(gone.getHead()));
        output.print(deleted, "deleted adapter %s, which was at version %s".formatted(
                deleted.adapter(), deleted.head()));
        return 0;
    }
}
