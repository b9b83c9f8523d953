package dev.flywheel.app.cli;

import dev.flywheel.app.bench.serving.OverloadBench;
import dev.flywheel.app.bench.serving.OverloadReport;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.local.LocalNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What a node does with more than it can do. */
@Command(
        name = "overload",
        mixinStandardHelpOptions = true,
        description = {
            "Starts a node, finds out how many answers a second it can give, and sends it requests when they are due, whether it keeps up or"
                    + " not: 0.6 to 1.5 times as many, then ten times.",
            "Exit code 1 if at ten times less than 90 %% as many answers come in time as at the best of the others, if those that are given"
                    + " take more than twice as long (p99), if a call fails other than for want of room, or if an answer is wrong."
        })
final class BenchOverloadCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ServingBenchOptions options = new ServingBenchOptions();

    @Option(names = "--running", paramLabel = "N", defaultValue = "32",
            description = "Requests that the node has at once. Default: ${DEFAULT-VALUE}.") private int running =
                    32;

    @Option(names = "--first-token", paramLabel = "TIME", defaultValue = "3s",
            converter = DurationConverter.class,
            description = "An answer is good if its first token comes by then. Default: ${DEFAULT-VALUE}.") private Duration firstToken =
                    Duration.ofSeconds(3);

    @Option(names = "--gap", paramLabel = "TIME", defaultValue = "500ms",
            converter = DurationConverter.class,
            description = "And its tokens come no further apart, on average. Default: ${DEFAULT-VALUE}.") private Duration gap =
                    Duration.ofMillis(500);

    @Option(names = "--runs", paramLabel = "N", defaultValue = "3",
            description = "Measurements of each; the median counts. Default: ${DEFAULT-VALUE}.") private int runs =
                    3;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "20",
            description = "Of each load. Default: ${DEFAULT-VALUE}.") private int seconds = 20;

    @Override
    public Integer call() throws IOException, InterruptedException {
        UsageChecks.requireAtLeast(spec, "--running", running, 1);
        UsageChecks.requireAtLeast(spec, "--runs", runs, 1);
        UsageChecks.requireAtLeast(spec, "--seconds", seconds, 1);
        options.check();
        OverloadReport figures;
        try (TemporaryFolder folder = new TemporaryFolder("flywheel-overload")) {
            Path model = options.model(folder.path());
            try (LocalNode node = LocalNode.start(config(), folder.path().resolve("data"), model)) {
                figures = measure(node);
            }
        }
        options.report().give(figures, figures.text());
        return figures.held() ? 0 : 1;
    }

    private OverloadReport measure(LocalNode node) throws InterruptedException {
        OverloadBench bench = new OverloadBench(node,
                new OverloadBench.Settings(options.modelName(), options.threads(), running,
                        firstToken, gap, runs, Duration.ofSeconds(seconds), options.seed()),
                System::nanoTime);
        Progress progress = options.progress("loads", bench.total());
        return bench.run((done, what) -> progress.update(done, what, System.nanoTime()));
    }

    private FlywheelConfig config() {
        return new ConfigLoader().load(options.nodeSettings(), null,
                Map.of("serving.requests_running_max", running));
    }
}
