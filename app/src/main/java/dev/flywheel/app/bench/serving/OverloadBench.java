package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.load.ArrivalPattern;
import dev.flywheel.app.load.LoadFigures;
import dev.flywheel.app.load.LoadReport;
import dev.flywheel.app.load.LoadRun;
import dev.flywheel.app.load.LoadSettings;
import dev.flywheel.app.local.LocalNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * An open loop at rising loads, up to ten times what the node can do: how many answers come in time at the load that suits it best, and how
 * many when most have to be refused.
 */
public final class OverloadBench {
    private static final List<Double> LOADS = List.of(0.6, 0.8, 1.0, 1.2, 1.5);
    private static final double OVER = 10;
    private static final int TOKENS_MAX = 32;
    private static final int PROMPT_WORDS = 24;
    /** Answers of each load that are asked for again. */
    private static final int CHECKS = 4;

    private final LocalNode node;
    private final Settings settings;
    private final LongSupplier nanos;

    /**
     * What is measured.
     *
     * @param model what it is called
     * @param running requests that the node has at once
     * @param firstToken an answer is good if its first token comes by then
     * @param gap and its tokens come no further apart, on average
     * @param time of each load
     */
    public record Settings(
            String model,
            int threads,
            int running,
            Duration firstToken,
            Duration gap,
            int runs,
            Duration time,
            long seed) {}

    /** Is told how it goes. */
    @FunctionalInterface
    public interface Listener {
        void at(long done, String what);
    }

    /** @param nanos a monotonic clock */
    public OverloadBench(LocalNode node, Settings settings, LongSupplier nanos) {
        this.node = node;
        this.settings = settings;
        this.nanos = nanos;
    }

    /** Returns how much is told to the listener in all. */
    public int total() {
        return 1 + settings.runs() * (LOADS.size() + 1);
    }

    public OverloadReport run(Listener listener) throws InterruptedException {
        Throughput throughput = new Throughput(node.channel(), settings.running(), TOKENS_MAX,
                settings.seed(), nanos);
        var unused = throughput.measure(List.of(""), 0, settings.time()); // kernels compile
        double capacity = throughput.measure(List.of(""), 0, settings.time()).answers();
        listener.at(1, "capacity %.1f/s".formatted(capacity));
        List<OverloadReport.Step> steps = new ArrayList<>();
        for (int run = 0; run < settings.runs(); run++) {
            for (double factor : LOADS) {
                steps.add(step(factor, capacity, steps.size()));
                listener.at(1L + steps.size(), "%.1f times".formatted(factor));
            }
            steps.add(step(OVER, capacity, steps.size()));
            listener.at(1L + steps.size(), "ten times");
        }
        return report(capacity, steps);
    }

    private OverloadReport.Step step(double factor, double capacity, int number)
            throws InterruptedException {
        LoadSettings load = new LoadSettings(factor * capacity, settings.time(),
                ArrivalPattern.POISSON, List.of(""), 0, 100_000, PROMPT_WORDS, TOKENS_MAX,
                Duration.ofSeconds(60), settings.firstToken(), settings.gap(), CHECKS,
                new SeededRandom(settings.seed()).split("step " + number).nextInt(1 << 30));
        LoadReport report = new LoadRun(load, node.channel(), StoreClient.over(node.channel()),
                nanos, (at, note) -> {}).run();
        LoadFigures figures = report.figures();
        return new OverloadReport.Step(factor, report.perSecond(), figures.sent(),
                figures.answered(), figures.goodPerSecond(), figures.errors(),
                figures.firstTokenMillis(), figures.answerMillis(), report.wrong(),
                figures.firstTokenMicros());
    }

    private OverloadReport report(double capacity, List<OverloadReport.Step> steps) {
        double best = LOADS.stream()
                .max(Comparator.comparingDouble(factor -> good(steps, factor)))
                .orElseThrow();
        double peakGood = good(steps, best);
        double overGood = good(steps, OVER);
        double peakMillis = answerMillis(steps, best);
        double overMillis = answerMillis(steps, OVER);
        return new OverloadReport(settings.model(), settings.threads(), settings.running(),
                settings.firstToken().toMillis() / 1e3, settings.gap().toMillis() / 1e3, capacity,
                peakGood, overGood, overGood / peakGood, peakMillis, overMillis,
                overMillis / peakMillis, steps);
    }

    private static double good(List<OverloadReport.Step> steps, double factor) {
        return Medians.of(of(steps, factor).stream()
                .map(OverloadReport.Step::goodPerSecond)
                .toList());
    }

    private static double answerMillis(List<OverloadReport.Step> steps, double factor) {
        return Medians.of(of(steps, factor).stream()
                .map(step -> step.answerMillis().p99())
                .toList());
    }

    private static List<OverloadReport.Step> of(List<OverloadReport.Step> steps, double factor) {
        return steps.stream().filter(step -> step.factor() == factor).toList();
    }
}
