package dev.flywheel.app.cli;

import dev.flywheel.app.abuse.AbuseReport;
import dev.flywheel.app.abuse.AbuseRun;
import dev.flywheel.app.abuse.Scale;
import dev.flywheel.app.console.Progress;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Mistreats a node and counts what that did. */
@Command(
        name = "abuse",
        mixinStandardHelpOptions = true,
        description = {
            "Starts nodes with their stores in this process and mistreats them as hostile or broken clients do, row by row: cancels,"
                    + " stalls, floods, extreme parameters, hostile names, bad versions.",
            "A line a row tells what it counted and whether the promise held. Exit code 1 if one did not; rows that were not run are named."
        })
public final class AbuseCommand implements Callable<Integer> {
    private static final List<String> SCALES = Stream.of(Scale.values())
            .map(scale -> scale.name().toLowerCase(Locale.ROOT))
            .toList();

    @Spec private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--rows", paramLabel = "ROW,...", split = ",",
            description = "Rows to run, such as A05,A04. Default: all.") private List<String> rows =
                    List.copyOf(AbuseRun.titles().keySet());

    @Option(names = "--list", description = "Lists the rows and ends.") private boolean list;

    @Option(names = "--scale", paramLabel = "SCALE", defaultValue = "short",
            description = "short (seconds a row) or long (as much as the promises speak of). Default: ${DEFAULT-VALUE}.") private String scale =
                    "short";

    @Option(names = "--seed", paramLabel = "N", defaultValue = "7",
            description = "Number that fixes weights and requests. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: the built-in one.") private @Nullable Path model;

    private @Nullable Progress progress;
    private String shown = "";

    @Override
    public Integer call() throws Exception {
        if (list) {
            tellRows();
            return 0;
        }
        check();
        report.requireWritable();
        AbuseReport found;
        try (TemporaryFolder folder = new TemporaryFolder("flywheel-abuse")) {
            found = new AbuseRun(folder.path(), ModelFolder.find(model), seed,
                    Scale.valueOf(scale.toUpperCase(Locale.ROOT)), System::nanoTime)
                    .run(rows, new Watcher());
        }
        report.give(found, found.summary());
        return found.held() ? 0 : 1;
    }

    private void check() {
        for (String row : rows) {
            UsageChecks.require(spec, AbuseRun.titles().containsKey(row), "--rows",
                    "'" + row + "'", "of " + String.join(", ", AbuseRun.titles().keySet()));
        }
        UsageChecks.require(spec, SCALES.contains(scale), "--scale", "'" + scale + "'",
                "one of " + String.join(", ", SCALES));
    }

    private void tellRows() {
        Map<String, String> titles = AbuseRun.titles();
        StringBuilder lines = new StringBuilder();
        titles.forEach((id, title) -> lines.append(id + "  " + title + "\n"));
        AbuseRun.notHere().forEach((id, why) -> lines.append(id + "  not here: " + why + "\n"));
        report.output().print(titles, lines.toString().stripTrailing());
    }

    private final class Watcher implements AbuseRun.Listener {
        @Override
        public void step(String id, long done, long total) {
            String part = id + " " + total;
            if (!part.equals(shown)) {
                shown = part;
                progress = new Progress(report.output().progress(), report.output().watched(),
                        "steps of " + id, total, System.nanoTime());
            }
            if (progress != null && done < total) {
                progress.update(done, "", System.nanoTime());
            }
        }

        @Override
        public void ended(AbuseReport.Row row) {
            report.output()
                    .progress()
                    .println((report.output().watched() ? "\r\u001b[2K" : "")
                            + row.text());
        }
    }
}
