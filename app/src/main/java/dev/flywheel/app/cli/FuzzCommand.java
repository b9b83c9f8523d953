package dev.flywheel.app.cli;

import dev.flywheel.app.console.Progress;
import dev.flywheel.app.fuzz.FuzzReport;
import dev.flywheel.app.fuzz.FuzzRun;
import dev.flywheel.app.local.StartException;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Breaks valid files by seed and checks that they are refused as documented. */
@Command(
        name = "fuzz",
        mixinStandardHelpOptions = true,
        description = {
            "Breaks safetensors files, configurations, adapter, model and tokenizer folders in seeded ways and loads each.",
            "Each must be found valid or be refused with the documented exception, within 5 s and with memory in proportion"
                    + " to its files. Exit code 1 if one is not; the same seed and number give the same mutation."
        })
public final class FuzzCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--mutations", paramLabel = "N",
            description = "How many to try. Default: ${DEFAULT-VALUE}.") private int mutations =
                    100_000;

    @Option(names = "--seed", paramLabel = "N",
            description = "Fixes all of them. Default: ${DEFAULT-VALUE}.") private long seed = 1;

    @Option(names = "--only", paramLabel = "NUMBER",
            description = "Repeats this one mutation and no other.") private @Nullable Integer only;

    @Option(names = "--kind", paramLabel = "KIND",
            description = "Breaks only safetensors, config, adapter, model or tokenizer files.") private @Nullable String kind;

    @Option(names = "--keep", paramLabel = "DIR",
            description = "New folder in which the files of failed mutations stay.") private @Nullable Path keep;

    @Override
    public Integer call() throws InterruptedException, IOException {
        UsageChecks.requireAtLeast(spec, "--mutations", mutations, 1);
        if (only != null) {
            UsageChecks.requireAtLeast(spec, "--only", only, 0);
        }
        UsageChecks.require(spec, kind == null || FuzzRun.KINDS.contains(kind), "--kind",
                "'" + kind + "'", "one of " + String.join(", ", FuzzRun.KINDS));
        report.requireWritable();
        FuzzReport figures;
        if (keep == null) {
            try (TemporaryFolder folder = new TemporaryFolder("flywheel-fuzz")) {
                figures = run(folder.path());
            }
        } else {
            requireEmpty(keep);
            figures = run(Files.createDirectories(keep));
        }
        report.give(figures, figures.text());
        return figures.held() ? 0 : 1;
    }

    private FuzzReport run(Path folder) throws InterruptedException {
        int from = only == null ? 0 : only;
        int to = only == null ? mutations : only + 1;
        Progress progress = new Progress(
                report.output().progress(), report.output().watched(), "mutations", to - from,
                System.nanoTime());
        try (Backend backend = Backends.open("cpu", 1)) {
            return new FuzzRun(seed, kind, folder, backend, System::nanoTime)
                    .run(from, to, done -> progress.update(done, "", System.nanoTime()));
        }
    }

    private static void requireEmpty(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        boolean empty = Files.isDirectory(folder);
        if (empty) {
            try (Stream<Path> files = Files.list(folder)) {
                empty = files.findAny().isEmpty();
            }
        }
        if (!empty) {
            throw new StartException(
                    "--keep %s is not an empty folder; name a new one".formatted(folder));
        }
    }
}
