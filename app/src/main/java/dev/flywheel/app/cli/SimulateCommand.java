package dev.flywheel.app.cli;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.local.OptionNames;
import dev.flywheel.app.simulate.Scenarios;
import dev.flywheel.app.simulate.SimulatedClock;
import dev.flywheel.app.simulate.SimulationReport;
import dev.flywheel.app.simulate.SimulationRun;
import dev.flywheel.app.simulate.SimulationSummary;
import dev.flywheel.feedback.kafka.Topics;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Simulated users with known tastes, delays and intentions, against the whole loop. */
@Command(
        name = "simulate",
        mixinStandardHelpOptions = true,
        description = {
            "Plays a scenario of simulated users against the whole loop in this process, and judges what it has to show.",
            "The users are outside clients: they call the node and write to Kafka, and look at nothing inside. Event time is"
                    + " simulated: it moves as the scenario goes on, hours in minutes, and each step waits until the loop has"
                    + " learned from the last one and serves that. Only which round silence comes into hangs on the machine.",
            "Takes free ports and leaves no files behind. Exit code 1 also if the target is not met."
        })
public final class SimulateCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--scenario", paramLabel = "NAME",
            description = "Which one; --list names them.") private @Nullable String scenario;

    @Option(names = "--list",
            description = "Prints the scenarios and what each shows.") private boolean list;

    @Option(names = "--seed", paramLabel = "N",
            description = "Number that fixes people, items and luck. Default: ${DEFAULT-VALUE}.") private long seed =
                    1;

    @Option(names = "--seeds", paramLabel = "N",
            description = "How many seeds to play, from --seed on; of more than one, means with 95 %% intervals are"
                    + " reported. Default: ${DEFAULT-VALUE}.") private int seeds = 1;

    @Override
    public Integer call() throws InterruptedException {
        if (list) {
            Scenarios.lines().forEach(spec.commandLine().getOut()::println);
            return 0;
        }
        SimulationRun run = chosen();
        report.requireWritable();
        SimulationReport figures = play(run);
        report.give(figures, SimulationSummary.text(figures));
        return figures.met() ? 0 : 1;
    }

    private SimulationRun chosen() {
        if (scenario == null) {
            throw new ParameterException(spec.commandLine(),
                    "missing --scenario NAME; --list names the scenarios");
        }
        try {
            return SimulationRun.of(scenario, seed, seeds);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private SimulationReport play(SimulationRun run) throws InterruptedException {
        FlywheelConfig config = loop.settings(SimulationRun.DEFAULTS, Map.of());
        PrintStream progress = report.output().progress();
        Path model = loop.modelFolder();
        SimulatedClock clock = SimulationRun.clock(InstantSource.system().instant());
        try (StopHook stop = new StopHook(spec.commandLine().getErr())) {
            TemporaryFolder data = new TemporaryFolder("flywheel-simulate");
            var unused = stop.closing().add("temporary folder", () -> data);
            LocalLoop node =
                    LocalLoop.start(
                            config, data.path(), model, OptionNames.TEMPORARY, stop.closing(),
                            progress::println, report.output().reading(), clock);
            Progress steps = new Progress(progress, report.output().watched(), "steps", run.steps(),
                    System.nanoTime());
            return run.in(
                    new SimulationRun.Theatre(node, new Topics(config.loop().env()), data.path(),
                            clock),
                    steps, System::nanoTime);
        }
    }
}
