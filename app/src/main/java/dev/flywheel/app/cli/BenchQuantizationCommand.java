package dev.flywheel.app.cli;

import dev.flywheel.app.bench.QuantizationReport;
import dev.flywheel.app.bench.QuantizationRun;
import dev.flywheel.app.console.Progress;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What quantizing a base costs it. */
@Command(
        name = "quantization",
        mixinStandardHelpOptions = true,
        description = {
            "Runs a base over generated texts as stored, as q8 and as q4, and tells how far the logits are off and what each"
                    + " token costs; then has an adapter over each learn the same answers one by one, each predicted before it"
                    + " is learned (prequential log loss).",
            "Exit code 1 if a format is off by more than it may be on the built-in base: 1 %% (q8), 6 %% (q4) of the logits' root"
                    + " mean square."
        })
final class BenchQuantizationCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: the built-in one.") private @Nullable Path model;

    @Mixin private DeviceOptions device = new DeviceOptions();

    @Option(names = "--texts", paramLabel = "N", defaultValue = "200",
            description = "Texts to read. Default: ${DEFAULT-VALUE}.") private int texts = 200;

    @Option(names = "--answers", paramLabel = "N", defaultValue = "400",
            description = "Answers to learn. Default: ${DEFAULT-VALUE}.") private int answers = 400;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "7",
            description = "Number that fixes texts and answers. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    @Override
    public Integer call() {
        UsageChecks.requireAtLeast(spec, "--texts", texts, 1);
        device.check(spec);
        UsageChecks.requireAtLeast(spec, "--answers", answers, 1);
        report.requireWritable();
        Progress progress =
                new Progress(report.output().progress(), report.output().watched(), "texts", texts,
                        System.nanoTime());
        QuantizationReport figures =
                new QuantizationRun(ModelFolder.find(model), device.backend, device.threads, texts,
                        answers, seed)
                        .measure(done -> progress.update(done, "", System.nanoTime()));
        report.give(figures, text(figures));
        return figures.formats().stream().allMatch(QuantizationReport.Figures::held) ? 0 : 1;
    }

    private static String text(QuantizationReport report) {
        StringBuilder out =
                new StringBuilder(
                        String.format(
                                Locale.ROOT,
                                "%d texts, %,d tokens, then %d answers learned one by one, seed %d"
                                        + "%nstored  %5.2f bits a weight, log loss %.4f nats a token; prequential %.4f"
                                        + " (%.4f if nothing is"
                                        + " learned)",
                                report.texts(), report.tokens(), report.learned().answers(),
                                report.seed(), report.bitsPerWeight(), report.logLoss(),
                                report.learned().prequentialLogLoss(),
                                report.learned().unlearnedLogLoss()));
        for (QuantizationReport.Figures one : report.formats()) {
            out.append(
                    String.format(
                            Locale.ROOT,
                            "%n%-6s  %5.2f bits a weight, log loss %.4f (%+.2f %%); prequential %.4f (%+.2f %%); logits off"
                                    + " by %.2f %% (allowed %.0f %%, centred %.2f %%), same first choice %.1f %%",
                            one.weights(), one.bitsPerWeight(), one.logLoss(),
                            100 * one.logLossChange(), one.prequentialLogLoss(),
                            100 * one.prequentialChange(), 100 * one.logitError(),
                            100 * one.allowed(), 100 * one.centredError(),
                            100 * one.sameArgMax()));
        }
        return out.toString();
    }
}
