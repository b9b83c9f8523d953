package dev.flywheel.app.cli;

import dev.flywheel.app.bench.join.JoinProcess;
import dev.flywheel.app.bench.join.JoinReport;
import dev.flywheel.app.bench.join.JoinSettings;
import dev.flywheel.app.bench.join.StateKind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How many events a second attribution joins. */
@Command(
        name = "join",
        mixinStandardHelpOptions = true,
        description = {
            "Runs attribution alone, without Kafka: slates and clicks on them, of which some come out of order, twice, before"
                    + " their slate, too late, forged, or on no slate. Checks that every event counts once, then measures how"
                    + " many a second are joined, with heap state and with RocksDB state, each in a JVM of its own.",
            "Exit code 1 if an event is lost or counted twice, or if the median is below the target for two cores: 60,000 (heap),"
                    + " 20,000 (rocksdb)."
        })
final class BenchJoinCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--state", paramLabel = "KIND",
            description = "Only this kind of state: ${COMPLETION-CANDIDATES}. Default: each.") private List<
                    StateKind> states =
                            List.of(StateKind.values());

    @Option(names = "--impressions", paramLabel = "N", defaultValue = "100000",
            description = "Answers in a run. Default: ${DEFAULT-VALUE}.") private int impressions =
                    100_000;

    @Option(names = "--runs", paramLabel = "N", defaultValue = "5",
            description = "Measured runs. Default: ${DEFAULT-VALUE}.") private int runs = 5;

    @Option(names = "--parallelism", paramLabel = "N", defaultValue = "2",
            description = "Subtasks. Default: ${DEFAULT-VALUE}.") private int parallelism = 2;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "7",
            description = "Number that fixes every event. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    @Override
    public Integer call() throws InterruptedException {
        UsageChecks.requireAtLeast(spec, "--impressions", impressions, 1);
        UsageChecks.requireAtLeast(spec, "--runs", runs, 1);
        UsageChecks.requireAtLeast(spec, "--parallelism", parallelism, 1);
        report.requireWritable();
        List<JoinReport.Figures> figures = new ArrayList<>();
        try (TemporaryFolder folder = new TemporaryFolder("flywheel-join")) {
            JoinProcess process = new JoinProcess(folder.path(), rocksdbJars());
            for (StateKind state : states) {
                figures.add(process.measure(
                        new JoinSettings(state, impressions, runs, parallelism, seed)));
            }
        }
        JoinReport result = new JoinReport(seed, Runtime.getRuntime().availableProcessors(),
                parallelism, figures);
        report.give(result, text(result));
        return result.held() ? 0 : 1;
    }

    private static Path rocksdbJars() {
        return Path.of(System.getProperty("flywheel.home", "."), "app", "target", "rocksdb-state");
    }

    private static String text(JoinReport report) {
        StringBuilder out = new StringBuilder("attribution alone, %d cores, %d subtasks, seed %d"
                .formatted(report.cores(), report.parallelism(), report.seed()));
        for (JoinReport.Figures one : report.states()) {
            JoinReport.Check check = one.check();
            out.append(String.format(Locale.ROOT,
                    "%n%-7s  %,d events/s, median of %s (target %,d): %s", one.state(),
                    one.eventsPerSecond(), one.runs(), one.target(),
                    one.eventsPerSecond() >= one.target() ? "reached" : "missed"));
            out.append(String.format(Locale.ROOT,
                    "%n         of %,d events: %,d joined, %s refused, %,d repeated, %,d silent slates; %,d out of order, %,d"
                            + " slates after their clicks: %s",
                    one.events(), check.joined(), check.refused(), check.repeated(),
                    check.silent(), check.reordered(), check.first(),
                    check.problems().isEmpty() ? "each counted once"
                            : String.join("; ", check.problems())));
        }
        return out.toString();
    }
}
