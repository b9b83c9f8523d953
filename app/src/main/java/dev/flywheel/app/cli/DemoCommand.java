package dev.flywheel.app.cli;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.console.Terminal;
import dev.flywheel.app.demo.DemoReport;
import dev.flywheel.app.demo.DemoRun;
import dev.flywheel.app.demo.DemoSettings;
import dev.flywheel.app.demo.DemoSummary;
import dev.flywheel.app.demo.LiveView;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.local.OptionNames;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Watch it learn: simulated readers and a teacher against the whole loop in one process. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = {
            "Shows the whole loop learning: starts all of it in this process and lets simulated readers and a teacher use it.",
            "Takes free ports and leaves no files behind. Unless the file given with --config says"
                    + " otherwise, an answer without a click counts as not wanted after 3 s (signals.click.observation),"
                    + " and feedback is gathered for 100 ms before it is trained (loop.round_linger).",
            "Exit code 1 also if a feedback event is unaccounted for, a request failed or an answer mixed versions."
        })
public final class DemoCommand implements Callable<Integer> {
    private static final Map<String, Object> DEFAULTS =
            Map.of(
                    "data.log_mib_max", 0,
                    "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                    "metrics.port", 0,
                    "loop.broker_port", 0,
                    "signals.click.observation", "3s",
                    "loop.round_linger", "100ms");

    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--seed", paramLabel = "N",
            description = "Number that fixes readers, items and luck. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    @Option(names = "--seconds", paramLabel = "N",
            description = "Seconds of traffic, at least 10; at half of them the readers' tastes drift. Default:"
                    + " ${DEFAULT-VALUE}.") private int seconds =
                            90;

    @Override
    public Integer call() throws InterruptedException {
        DemoSettings settings = settings();
        report.requireWritable();
        DemoReport figures = run(settings);
        report.give(figures, DemoSummary.text(figures));
        return figures.held() ? 0 : 1;
    }

    private DemoSettings settings() {
        try {
            return DemoSettings.of(seed, seconds);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private DemoReport run(DemoSettings settings) throws InterruptedException {
        FlywheelConfig config = loop.settings(DEFAULTS, Map.of());
        PrintStream progress = report.output().progress();
        progress.printf(
                Locale.ROOT, "flywheel demo: seed %d, %d s of traffic, observation window %s s%n",
                seed, seconds, config.signals().click().observation().toMillis() / 1e3);
        Path model = loop.modelFolder();
        try (StopHook stop = new StopHook(spec.commandLine().getErr())) {
            TemporaryFolder data = new TemporaryFolder("flywheel-demo");
            var unused = stop.closing().add("temporary folder", () -> data);
            LiveView view =
                    new LiveView(progress, report.output().watched(), Terminal.columns());
            LocalLoop node =
                    LocalLoop.start(
                            config, data.path(), model, OptionNames.TEMPORARY, stop.closing(),
                            view::event, report.output().reading());
            // Added last, so closed first: what the closing says stands below the view.
            return DemoRun.against(
                    node, settings, stop.closing().add("view", () -> view), System::nanoTime);
        }
    }
}
