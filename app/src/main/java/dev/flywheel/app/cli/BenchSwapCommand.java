package dev.flywheel.app.cli;

import dev.flywheel.app.bench.serving.SwapBench;
import dev.flywheel.app.bench.serving.SwapReport;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.local.LocalNode;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What hot swaps do to answers. */
@Command(
        name = "swap",
        mixinStandardHelpOptions = true,
        description = {
            "Starts a node with its store. First it moves an alias back and forth between two versions as fast as the store commits, while"
                    + " clients ask prompts that begin alike, and holds each answer against what its version says on a cache of its"
                    + " own. Then, under a steady load, it publishes a new version every ten seconds and, five seconds after each, sets the alias"
                    + " to the version that serves already (a control).",
            "Exit code 1 if an answer failed, was mixed or is not what its version says, if a flip takes more than 10 ms (p99), or if the"
                    + " time between tokens in the five seconds after a swap (p99) is more than 1.25 times that after a control."
        })
final class BenchSwapCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: the built-in one.") private @Nullable Path model;

    @Option(names = "--swaps", paramLabel = "N", defaultValue = "10000",
            description = "Swaps back and forth. Default: ${DEFAULT-VALUE}.") private int swaps =
                    10_000;

    @Option(names = "--versions", paramLabel = "N", defaultValue = "30",
            description = "New versions, ten seconds each. Default: ${DEFAULT-VALUE}.") private int versions =
                    30;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "7",
            description = "Number that fixes weights and requests. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    @Override
    public Integer call() throws InterruptedException {
        UsageChecks.requireAtLeast(spec, "--swaps", swaps, 1);
        UsageChecks.requireAtLeast(spec, "--versions", versions, 1);
        report.requireWritable();
        SwapReport figures;
        try (TemporaryFolder folder = new TemporaryFolder("flywheel-swap");
                LocalNode node =
                        LocalNode.start(config(), folder.path(), ModelFolder.find(model))) {
            Progress fast = progress("swaps", swaps);
            Progress slow = progress("new versions", versions);
            figures = new SwapBench(node, seed, System::nanoTime).run(swaps, versions,
                    done -> fast.update(done, "", System.nanoTime()),
                    done -> slow.update(done, "", System.nanoTime()));
        }
        report.give(figures, figures.text());
        return figures.held() ? 0 : 1;
    }

    private Progress progress(String unit, int total) {
        return new Progress(report.output().progress(), report.output().watched(), unit, total,
                System.nanoTime());
    }

    private static FlywheelConfig config() {
        return new ConfigLoader().load(
                Map.of("server.port", 0, "server.admin_port", 0, "server.http_port", -1,
                        "data.log_mib_max", 0),
                null,
                Map.of());
    }
}
