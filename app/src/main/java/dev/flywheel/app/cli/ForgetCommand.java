package dev.flywheel.app.cli;

import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.app.cli.RepairOptions.Repaired;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A user who is to be forgotten. */
@Command(
        name = "forget",
        mixinStandardHelpOptions = true,
        description = {
            "Forgets a user: nothing of theirs is learned from now on, and every adapter that learned from them is trained again without"
                    + " them, from the last version before. What was served stays served until then, unless --at-once.",
            "What the user sent is still in Kafka's topics until their retention ends, and in manifests as written; no version holds it."
        })
public final class ForgetCommand implements Callable<Integer> {
    @Option(names = "--user", paramLabel = "ID", required = true,
            description = "The user's pseudonym, as requests gave it.") private String user = "";

    @Option(names = "--tenant", paramLabel = "NAME", defaultValue = "default",
            description = "Whose user it is. Default: ${DEFAULT-VALUE}.") private String tenant = "";

    @Option(names = "--at-once",
            description = "Serves the last version without the user until the others are trained again.") private boolean atOnce;

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
                    : adapters.stream().map(Repaired::text).collect(Collectors.joining("\n"));
        }
    }

    @Override
    public Integer call() {
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
        output.print(forgotten, forgotten.text());
        return forgotten.done() ? 0 : 1;
    }
}
