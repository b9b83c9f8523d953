package dev.flywheel.app.cli;

import dev.flywheel.api.v1.ExciseRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Single rounds out of what was learned. */
@Command(
        name = "excise",
        mixinStandardHelpOptions = true,
        description = {
            "Takes single rounds out of what an adapter has learned: their feedback is quarantined, what came after them is trained again"
                    + " without them, from its manifests. Meanwhile the adapter serves the version before them."
        })
public final class ExciseCommand implements Callable<Integer> {
    @Option(names = "--version-of-round", paramLabel = "N", required = true, split = ",",
            description = "Versions that the rounds made, such as 17,21.") private List<
                    Long> versions =
                            new ArrayList<>();

    @Mixin private AdapterRepair repair = new AdapterRepair();

    @Override
    public Integer call() {
        return repair.carryOut(
                (store, adapter, audit) -> store.excise(ExciseRequest.newBuilder()
                        .setAdapter(adapter.getName())
                        .addAllVersions(versions)
                        .setExpectedHead(adapter.getHead())
                        .setActor(audit.actor())
                        .setReason(audit.reason())
                        .build()));
    }
}
