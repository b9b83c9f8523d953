package dev.flywheel.app.cli;

import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.app.setting.SettingTree;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Other settings for an adapter. */
@Command(
        name = "configure",
        mixinStandardHelpOptions = true,
        description = {
            "Changes settings of an adapter while it serves and learns: answers and rounds that begin later go by them.",
            "All that is given changes at once, or nothing if somebody else changed the adapter meanwhile. ./flywheel adapter settings"
                    + " says what each does. The file that it was made with can be given again: its lora is fixed and must be as it is."
        })
final class AdapterConfigureCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME",
            description = "Adapter, such as default/main.") private String name;

    @Option(names = "--revision", paramLabel = "N",
            description = "Changes it only if it is still at this revision. Default: the one it is at now.") private @Nullable Long revision;

    @Mixin private SettingOptions settings = new SettingOptions();
    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private AuditOptions audit = new AuditOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    /** What was changed, one a line; none if all was so already. */
    record Configured(String adapter, String revision, List<String> changes) {
        @Override
        public String toString() {
            return changes.isEmpty()
                    ? "%s is so already, at revision %s".formatted(adapter, revision)
                    : "%s is at revision %s%n%s".formatted(adapter, revision,
                            String.join(System.lineSeparator(), changes));
        }
    }

    @Override
    public Integer call() {
        var unused = UsageChecks.adapter(spec, "argument NAME", name);
        if (settings.none()) {
            throw UsageChecks.wrong(spec,
                    "give what is to change with --set PATH=VALUE, --unset PATH or --settings FILE");
        }
        if (revision != null) {
            UsageChecks.require(spec, revision >= 0, "--revision", revision, "at least 0");
        }
        // What is called wrongly is told before anybody is asked; what is fixed only the adapter tells.
        settings.lay(new SettingTree(AdapterRecord.getDefaultInstance(), SettingTree.ALL));
        Configured done = registry.ask(store -> {
            AdapterRecord before = store.getAdapter(name);
            SettingTree tree = new SettingTree(before, SettingTree.CHANGEABLE);
            settings.lay(tree);
            AdapterRecord after = store.configureAdapter(request(before, tree.adapter()));
            return new Configured(name, Long.toUnsignedString(after.getRevision()),
                    SettingLines.changes(before, after).lines().toList());
        });
        output.print(done, done.toString());
        return 0;
    }

    /** Holds the groups that change: what an older release took for one of the others is no reason to refuse this. */
    private ConfigureAdapterRequest request(AdapterRecord before, AdapterRecord wanted) {
        ConfigureAdapterRequest.Builder request = ConfigureAdapterRequest.newBuilder()
                .setName(name)
                .setExpectedRevision(revision == null ? before.getRevision() : revision)
                .setActor(audit.actor())
                .setReason(audit.reason());
        for (String group : SettingTree.CHANGEABLE) {
            FieldDescriptor field = AdapterRecord.getDescriptor().findFieldByName(group);
            if (!wanted.getField(field).equals(before.getField(field))) {
                request.setField(ConfigureAdapterRequest.getDescriptor().findFieldByName(group),
                        wanted.getField(field));
            }
        }
        return request.build();
    }
}
