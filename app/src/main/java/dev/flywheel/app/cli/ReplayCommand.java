package dev.flywheel.app.cli;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.local.OptionNames;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.replay.MovieLens;
import dev.flywheel.app.replay.ReplayReport;
import dev.flywheel.app.replay.ReplayRun;
import dev.flywheel.app.replay.ReplaySummary;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Real input through the real loop: predict each rating, then learn from it. */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        description = {
            "Replays ratings in order of time through the whole loop: predicts each one before it is sent as feedback.",
            "Reads the CSV files of MovieLens. Rows that cannot be used are named and counted.",
            "Unless the file given with --config says otherwise, it listens on free ports, and takes many"
                    + " ratings of one user in a row (loop.guard_profile trusted-stream)."
        })
public final class ReplayCommand implements Callable<Integer> {
    private static final Map<String, Object> DEFAULTS =
            Map.of(
                    "data.log_mib_max", 0,
                    "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                    "metrics.port", 0,
                    "loop.broker_port", 0,
                    "signals.click.observation", "30s",
                    "loop.guard_profile", "trusted-stream");

    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--ratings", required = true, paramLabel = "FILE",
            description = "Ratings, with the columns userId,movieId,rating,timestamp.") private Path ratings;

    @Option(names = "--items", required = true, paramLabel = "FILE",
            description = "What was rated, with the columns movieId,title,genres.") private Path items;

    @Option(names = "--limit", description = "Replays only the first N ratings. Default: all.",
            paramLabel = "N") private int limit = Integer.MAX_VALUE;

    @Override
    public Integer call() throws InterruptedException {
        UsageChecks.requireAtLeast(spec, "--limit", limit, 1);
        report.requireWritable();
        PrintStream progress = report.output().progress();
        MovieLens data = MovieLens.read(ratings, items);
        nameBadRows(data, progress);
        ReplayReport figures = run(data, progress);
        report.give(figures, ReplaySummary.text(figures));
        return figures.held() ? 0 : 1;
    }

    private static void nameBadRows(MovieLens data, PrintStream progress) {
        MovieLens.BadRows bad = data.badRows();
        if (bad.count() > 0) {
            progress.printf("%,d bad rows, not replayed:%n", bad.count());
            bad.first().forEach(row -> progress.println("  " + row));
            if (bad.count() > bad.first().size()) {
                progress.printf("  and %,d more%n", bad.count() - bad.first().size());
            }
        }
        if (data.ratings().isEmpty()) {
            throw new StartException("no rating in the file given with --ratings can be replayed");
        }
    }

    private ReplayReport run(MovieLens data, PrintStream progress) throws InterruptedException {
        FlywheelConfig config = loop.settings(DEFAULTS, Map.of());
        progress.printf("guard profile %s: %s%n", config.loop().guardProfile(), config.guard());
        Path model = loop.modelFolder();
        try (StopHook stop = new StopHook(spec.commandLine().getErr())) {
            TemporaryFolder folder = new TemporaryFolder("flywheel-replay");
            var unused = stop.closing().add("temporary folder", () -> folder);
            LocalLoop node =
                    LocalLoop.start(
                            config, folder.path(), model, OptionNames.TEMPORARY, stop.closing(),
                            progress::println, report.output().reading());
            return ReplayRun.against(node, data, limit, progress, report.output().watched());
        }
    }
}
