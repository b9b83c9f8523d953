package dev.flywheel.app.cli;

import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.app.cli.RepairOptions.Repaired;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.rounds.ForgettingCertificate;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A user who is to be forgotten. */
@Command(
        name = "forget",
        mixinStandardHelpOptions = true,
        description = {
            "Forgets a user: nothing of theirs is learned from now on, and every adapter that learned from them is trained again without"
                    + " them, from the last version before. What was served stays served until then, unless --at-once.",
            "Where that takes rounds older than store.manifests_kept it learns again from the base model: from what is kept, while those"
                    + " rounds are quarantined.",
            "The user's key is deleted in the store, with which all that they said is sealed in its manifests. It is still in Kafka's topics"
                    + " until their retention ends, in backups of the store that were made before, and in manifests that were"
                    + " written by releases before store format 2."
        })
public final class ForgetCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--user", paramLabel = "ID", required = true,
            description = "The user's pseudonym, as requests gave it.") private String user = "";

    @Option(names = "--tenant", paramLabel = "NAME", defaultValue = "default",
            description = "Whose user it is. Default: ${DEFAULT-VALUE}.") private String tenant =
                    "";

    @Option(names = "--at-once",
            description = "Serves the last version without the user until the others are trained again.") private boolean atOnce;

    @Option(names = "--certificate", paramLabel = "FILE",
            description = "Writes what was done to FILE, as JSON: versions and digests before and after, and the examples that are"
                    + " gone. ./flywheel replay-lineage --certificate FILE checks it.") private @Nullable Path certificate;

    @Mixin private RegistryOptions registry = new RegistryOptions();
    @Mixin private AuditOptions audit = new AuditOptions();
    @Mixin private RepairOptions repairs = new RepairOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    /** By adapter that had learned from the user. */
    record Forgotten(String tenant, String user, List<Repaired> adapters) {
        boolean done() {
            return adapters.stream().allMatch(Repaired::done);
        }

        String text() {
            return adapters.isEmpty() ? "no adapter has learned from %s; none will".formatted(user)
                    : adapters.stream().map(Forgotten::text).collect(Collectors.joining("\n"));
        }

        /** Nothing else is taken out by forgetting. */
        private static String text(Repaired repaired) {
            return repaired.text() + (repaired.quarantined() == 0 ? ""
                    : "; those taken out are older than store.manifests_kept, so that it learned again from the base model");
        }
    }

    @Override
    public Integer call() {
        if (certificate != null) {
            JsonFile.requireWritable("--certificate", certificate);
            if (registry.node == null) {
                throw UsageChecks.wrong(spec,
                        "give --certificate with --node: rounds are trained again by a running node alone");
            }
        }
        ForgetReply reply = registry.ask(store -> store.forget(ForgetRequest.newBuilder()
                .setTenant(tenant)
                .setUser(user)
                .setAtOnce(atOnce)
                .setActor(audit.actor())
                .setReason(audit.reason())
                .build()));
        Forgotten forgotten = new Forgotten(tenant, user, reply.getAdaptersList()
                .stream()
                .map(each -> repairs.await(registry, output, each.getAdapter(),
                        each.getRepair()))
                .toList());
        if (certificate != null && reply.getForgottenBefore()) {
            throw new StartException(
                    "no certificate is written: %s was to be forgotten before, and what that came to is known to whoever asked first"
                            .formatted(user));
        }
        if (certificate != null && forgotten.done()) {
            JsonFile.write("--certificate", certificate, registry.ask(store -> ForgettingCertificate
                    .of(store, tenant, user, reply.getAdaptersList(), Instant.now())));
        }
        output.print(forgotten, forgotten.text());
        return forgotten.done() ? 0 : 1;
    }
}
