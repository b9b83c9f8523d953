package dev.flywheel.app.cli;

import dev.flywheel.app.chaos.ChaosReport;
import dev.flywheel.app.chaos.ChaosRun;
import dev.flywheel.app.chaos.ChaosSettings;
import dev.flywheel.app.chaos.Fault;
import dev.flywheel.app.cluster.Member;
import dev.flywheel.app.local.Closing;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Breaks a whole cluster by seed, and says whether its promises held. */
@Command(
        name = "chaos",
        mixinStandardHelpOptions = true,
        description = {
            "Starts the loop as separate processes, lets outside clients use it, kills and disturbs its processes by seed,"
                    + " and counts afterwards what became of every acknowledged event.",
            "Exit code 1 if anything was lost, trained twice or otherwise not as promised."
        })
public final class ChaosCommand implements Callable<Integer> {
    private static final List<String> BUGS =
            List.of("claim-index", "epoch", "sync", "dedup", "pin", "checksum");

    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "120",
            description = "How long faults are carried out. Default: ${DEFAULT-VALUE}.") private int seconds;

    @Option(names = "--kills", paramLabel = "N", defaultValue = "0",
            description = "Goes on until so many processes were killed, if that takes longer. Default: ${DEFAULT-VALUE}.") private int kills;

    @Option(names = "--seed", paramLabel = "S", defaultValue = "1",
            description = "Which faults, and when; the same seed is the same faults. Default: ${DEFAULT-VALUE}.") private long seed;

    @Option(names = "--faults", paramLabel = "LIST", split = ",",
            description = "Which: kill, failpoint, freeze, writers, forget, disk, flip, clock, damage, surgery, client. Default: all.") private List<
                    String> faults = List
                            .of();

    @Option(names = "--members", paramLabel = "LIST", split = ",",
            description = "Whom kills, failpoints and freezes hit: broker, jobmanager, taskmanager, store, trainer, serving."
                    + " Default: all.") private List<String> members = List.of();

    @Option(names = "--rate", paramLabel = "N", defaultValue = "40",
            description = "Feedback events a second that clients try to send. Default: ${DEFAULT-VALUE}.") private double rate;

    @Option(names = "--pause", paramLabel = "SECONDS", defaultValue = "2",
            description = "Time without a fault between two, on average. Default: ${DEFAULT-VALUE}.") private double pause;

    @Option(names = "--data", paramLabel = "DIR",
            description = "New folder for all state, which stays. Default: a temporary one, removed.") private @Nullable Path data;

    @Option(names = "--bug", paramLabel = "NAME", defaultValue = "",
            description = "Breaks a promise on purpose, which has to be noticed: claim-index, epoch, sync,"
                    + " dedup, pin or checksum.") private String bug;

    @Override
    public Integer call() throws Exception {
        requireKnown(bug);
        report.requireWritable();
        Set<Fault> chosen = chosen();
        ChaosSettings settings = new ChaosSettings(Duration.ofSeconds(seconds), seed, chosen,
                chosenMembers(), kills, rate, Duration.ofMillis((long) (pause * 1e3)), bug);
        try (StopHook stop = new StopHook(spec.commandLine().getErr())) {
            Path folder = data != null ? data
                    : stop.closing()
                            .add("folder", () -> new TemporaryFolder("flywheel-chaos"))
                            .path();
            return judged(run(settings, folder, stop.closing()));
        }
    }

    /** One that no process knows would break nothing, and look as if it had been missed. */
    private void requireKnown(String name) {
        if (!name.isEmpty() && !BUGS.contains(name)) {
            throw UsageChecks.wrong(spec, "--bug is '%s', allowed are %s".formatted(name,
                    String.join(", ", BUGS)));
        }
    }

    private int judged(ChaosReport found) {
        report.give(found, found.text());
        return found.held() ? 0 : 1;
    }

    private ChaosReport run(ChaosSettings settings, Path folder, Closing closing)
            throws InterruptedException {
        PrintStream out = report.output().progress();
        out.println("seed " + seed + "; again with: " + replay());
        try {
            return new ChaosRun(settings, folder, loop.modelFolder().toAbsolutePath(), loop.config,
                    replay(), (what, second) -> out.printf("%5d s  %s%n", second, what),
                    closing).run();
        } catch (IOException e) {
            throw new UncheckedIOException("chaos cannot go on", e);
        }
    }

    private Set<Fault> chosen() {
        return chosen("--faults", faults, Fault.class, Fault::label);
    }

    private Set<Member> chosenMembers() {
        return chosen("--members", members, Member.class, Member::label);
    }

    /** All if none is named. */
    private <E extends Enum<E>> Set<E> chosen(String option, List<String> names, Class<E> type,
            Function<E, String> label) {
        Set<E> all = EnumSet.allOf(type);
        Set<E> chosen = EnumSet.noneOf(type);
        for (String name : names) {
            chosen.add(all.stream()
                    .filter(each -> label.apply(each).equals(name.strip()))
                    .findFirst()
                    .orElseThrow(() -> UsageChecks.wrong(spec,
                            "%s names '%s', allowed are %s".formatted(option, name, all.stream()
                                    .map(label)
                                    .collect(Collectors.joining(", "))))));
        }
        return names.isEmpty() ? all : chosen;
    }

    private String replay() {
        return "./flywheel chaos --seconds %d --kills %d --seed %d --rate %s --pause %s%s%s%s"
                .formatted(
                        seconds, kills, seed, rate, pause,
                        faults.isEmpty() ? "" : " --faults " + String.join(",", faults),
                        members.isEmpty() ? "" : " --members " + String.join(",", members),
                        bug.isEmpty() ? "" : " --bug " + bug);
    }
}
