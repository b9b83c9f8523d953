package dev.flywheel.app.cli;

import dev.flywheel.app.bench.serving.BatchBench;
import dev.flywheel.app.bench.serving.BatchReport;
import dev.flywheel.app.console.Progress;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How much faster many rows are decoded than one. */
@Command(
        name = "batch",
        mixinStandardHelpOptions = true,
        description = {
            "Decodes with 1 to 32 rows in a step: without an adapter, with the same rank-8 adapter in every row, and with another one in"
                    + " each, in turns.",
            "Exit code 1 if 32 rows are not decoded at twice the pace of one, or if one adapter costs more than a tenth of the pace."
        })
final class BenchBatchCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ServingBenchOptions options = new ServingBenchOptions();

    @Option(names = "--runs", paramLabel = "N", defaultValue = "5",
            description = "Measurements of each; the median counts. Default: ${DEFAULT-VALUE}.") private int runs =
                    5;

    @Override
    public Integer call() throws IOException {
        UsageChecks.requireAtLeast(spec, "--runs", runs, 1);
        options.check();
        BatchReport figures;
        try (TemporaryFolder folder = new TemporaryFolder("flywheel-batch")) {
            BatchBench bench = new BatchBench(options.model(folder.path()), options.modelName(),
                    options.threads(), runs, options.seed(), System::nanoTime);
            Progress progress = options.progress("measurements", bench.total());
            figures = bench.run(done -> progress.update(done, "", System.nanoTime()));
        }
        options.report().give(figures, figures.text());
        return figures.held() ? 0 : 1;
    }
}
