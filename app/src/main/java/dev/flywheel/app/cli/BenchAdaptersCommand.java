package dev.flywheel.app.cli;

import dev.flywheel.app.bench.serving.AdaptersBench;
import dev.flywheel.app.bench.serving.AdaptersReport;
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

/** What adapters cost a node. */
@Command(
        name = "adapters",
        mixinStandardHelpOptions = true,
        description = {
            "Starts a node with its store and thousands of registered adapters of rank 8 (query and value projections, weights of their own),"
                    + " asks each once, and measures in turns: no adapter, one, five, all of them as a power law has it; and the time"
                    + " to the first token with as many adapters as there are slots and with twice as many.",
            "Exit code 1 if one adapter costs more than a tenth of the tokens a second, if all give less than 95 %% of what five"
                    + " give, if the first token takes more than three times as long with twice the slots, or if an answer fails or is wrong."
        })
final class BenchAdaptersCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ServingBenchOptions options = new ServingBenchOptions();

    @Option(names = "--adapters", paramLabel = "N", defaultValue = "2000",
            description = "Adapters registered. Default: ${DEFAULT-VALUE}.") private int adapters =
                    2000;

    @Option(names = "--slots", paramLabel = "N", defaultValue = "16",
            description = "Adapter slots of the node. Default: ${DEFAULT-VALUE}.") private int slots =
                    16;

    @Option(names = "--clients", paramLabel = "N", defaultValue = "8",
            description = "Requests at one time. Default: ${DEFAULT-VALUE}.") private int clients =
                    8;

    @Option(names = "--runs", paramLabel = "N", defaultValue = "3",
            description = "Measurements of each; the median counts. Default: ${DEFAULT-VALUE}.") private int runs =
                    3;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "20",
            description = "Of each measurement. Default: ${DEFAULT-VALUE}.") private int seconds =
                    20;

    @Override
    public Integer call() throws IOException, InterruptedException {
        UsageChecks.requireAtLeast(spec, "--runs", runs, 1);
        UsageChecks.requireAtLeast(spec, "--seconds", seconds, 1);
        UsageChecks.requireAtLeast(spec, "--clients", clients, 1);
        UsageChecks.requireAtLeast(spec, "--slots", slots, 2);
        UsageChecks.requireAtLeast(spec, "--adapters", adapters, Math.max(5, 2 * slots));
        options.check();
        AdaptersReport figures;
        try (TemporaryFolder folder = new TemporaryFolder("flywheel-adapters")) {
            Path model = options.model(folder.path());
            try (LocalNode node = LocalNode.start(config(), folder.path().resolve("data"), model)) {
                figures = measure(node);
            }
        }
        options.report().give(figures, figures.text());
        return figures.held() ? 0 : 1;
    }

    private AdaptersReport measure(LocalNode node) throws InterruptedException {
        AdaptersBench bench = new AdaptersBench(node,
                new AdaptersBench.Settings(options.modelName(), options.threads(), slots, clients,
                        adapters, runs, Duration.ofSeconds(seconds), options.seed()),
                System::nanoTime);
        Progress progress = options.progress("steps", bench.total());
        return bench.run((done, what) -> progress.update(done, what, System.nanoTime()));
    }

    private FlywheelConfig config() {
        return new ConfigLoader().load(options.nodeSettings(), null,
                Map.of("engine.adapter_slots", slots, "engine.rank_max", 8,
                        "serving.requests_running_max", 2 * clients,
                        "serving.queue_time_max", "30s"));
    }
}
