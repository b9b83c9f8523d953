package dev.flywheel.app.cli;

import dev.flywheel.app.local.StoreFiles;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Going on without commits that are gone. */
@Command(
        name = "accept-loss",
        mixinStandardHelpOptions = true,
        description = {
            "Lets a store that has lost its newest commits start again without them. Only for when there is no backup: versions"
                    + " that were served, and feedback that was learned, are gone.",
            "Give the number that the refusal to start said."
        })
final class StoreAcceptLossCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--data", paramLabel = "DIR", required = true,
            description = "Data folder of a node that is not running.") private Path data;

    @Option(names = "--commits", paramLabel = "N", required = true,
            description = "How many commits are given up.") private long commits;

    /** What is left. */
    record Accepted(long lost, long commits) {}

    @Override
    public Integer call() {
        UsageChecks.require(spec, commits >= 0, "--commits", commits, "at least 0");
        long end;
        try (StoreFiles files = StoreFiles.take(data)) {
            end = files.acceptLoss(commits);
        }
        output.print(new Accepted(commits, end),
                "gave up %d commits; the store ends at commit %d".formatted(commits, end));
        return 0;
    }
}
