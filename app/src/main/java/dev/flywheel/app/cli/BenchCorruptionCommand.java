package dev.flywheel.app.cli;

import dev.flywheel.app.bench.corruption.CorruptionReport;
import dev.flywheel.app.bench.corruption.CorruptionRun;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.console.Progress;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Whether damage to a store is ever taken for an answer. */
@Command(
        name = "corruption",
        mixinStandardHelpOptions = true,
        description = {
            "Makes a store, damages one copy after the other (single bits of every file, cuts at every record's end and between,"
                    + " files deleted), opens it, reads everything and checks it.",
            "Exit code 1 if one answer is another one than before the damage, without an error."
        })
final class BenchCorruptionCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--flips", paramLabel = "N",
            description = "Bits to flip, spread over the files. Default: ${DEFAULT-VALUE}.") private int flips =
                    1_000;

    @Option(names = "--seed", paramLabel = "N",
            description = "Number that fixes the store and every damage. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    @Option(names = "--threads", paramLabel = "N",
            description = "Damaged stores at one time. Default: ${DEFAULT-VALUE}.") private int threads =
                    2;

    @Override
    public Integer call() throws InterruptedException {
        UsageChecks.requireAtLeast(spec, "--flips", flips, 0);
        UsageChecks.requireAtLeast(spec, "--threads", threads, 1);
        report.requireWritable();
        CorruptionReport figures;
        AtomicReference<@Nullable Progress> progress = new AtomicReference<>();
        try (TemporaryFolder folder = new TemporaryFolder("flywheel-corruption")) {
            figures = new CorruptionRun(new ConfigLoader().load(Map.of(), null, Map.of()),
                    folder.path(), seed, System::nanoTime).run(flips, true, threads,
                            total -> progress.set(new Progress(report.output().progress(),
                                    report.output().watched(), "damages", total,
                                    System.nanoTime())),
                            done -> {
                                Progress shown = progress.get();
                                if (shown != null) {
                                    shown.update(done, "", System.nanoTime());
                                }
                            });
        }
        report.give(figures, figures.text());
        return figures.held() ? 0 : 1;
    }
}
