package dev.flywheel.app.cli;

import dev.flywheel.api.v1.RollbackRequest;
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

    @Option(names = "--to", paramLabel = "N", required = true,
            description = "The version to go back to; one that HEAD came from.") private long version;

    @Mixin private AdapterRepair repair = new AdapterRepair();

    @Override
    public Integer call() {
        UsageChecks.require(spec, version >= 0, "--to", version, "at least 0");
        return repair.carryOut(
                (store, adapter, audit) -> store.rollback(RollbackRequest.newBuilder()
                        .setAdapter(adapter.getName())
                        .setVersion(version)
                        .setExpectedHead(adapter.getHead())
                        .setActor(audit.actor())
                        .setReason(audit.reason())
                        .build()));
    }
}
