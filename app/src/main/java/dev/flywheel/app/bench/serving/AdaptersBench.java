package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.load.ArrivalPattern;
import dev.flywheel.app.load.LoadReport;
import dev.flywheel.app.load.LoadRun;
import dev.flywheel.app.load.LoadSettings;
import dev.flywheel.app.local.LocalNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * What adapters cost a node: none against one, a few against thousands of which requests ask as a power law has it, and a working set
 * that fits into the slots against one of twice the size. All sides in turns on the same node.
 */
public final class AdaptersBench {
    private static final int FEW = 5;
    private static final double ALPHA = 1;
    private static final int TOKENS_MAX = 32;
    private static final int PROMPT_WORDS = 24;
    private static final double ONE_LEAST = 0.9;
    private static final double MANY_LEAST = 0.95;
    private static final double WORKING_SET_MOST = 3;
    /** Share of what the node can do at which times to the first token are taken. */
    private static final double LOAD = 0.5;

    private final LocalNode node;
    private final Settings settings;
    private final LongSupplier nanos;
    private final Throughput throughput;
    private final List<String> names;
    private final long seed;
    private final Figures figures = new Figures();

    /**
     * What is measured.
     *
     * @param model what it is called
     * @param slots of the node for adapters
     * @param clients that ask at one time
     * @param registered adapters in all
     */
    public record Settings(
            String model,
            int threads,
            int slots,
            int clients,
            int registered,
            int runs,
            Duration time,
            long seed) {}

    /** Is told how it goes. */
    @FunctionalInterface
    public interface Listener {
        void at(long done, String what);
    }

    /** @param nanos a monotonic clock */
    public AdaptersBench(LocalNode node, Settings settings, LongSupplier nanos) {
        this.node = node;
        this.settings = settings;
        this.nanos = nanos;
        this.seed = settings.seed();
        this.throughput = new Throughput(node.channel(), settings.clients(), TOKENS_MAX, seed,
                nanos);
        this.names = IntStream.range(0, settings.registered())
                .mapToObj("many/a%d"::formatted)
                .toList();
    }

    /** All figures of one kind. */
    private static final class Figures {
        private final List<Double> none = new ArrayList<>();
        private final List<Double> one = new ArrayList<>();
        private final List<Double> few = new ArrayList<>();
        private final List<Double> many = new ArrayList<>();
        private final List<Double> fits = new ArrayList<>();
        private final List<Double> twice = new ArrayList<>();
        private long failed;
        private long wrong;
    }

    /** Returns how much is told to the listener in all. */
    public long total() {
        return 2L * settings.registered() + 6L * settings.runs();
    }

    public AdaptersReport run(Listener listener) throws InterruptedException {
        register(listener);
        warm(listener);
        for (int run = 0; run < settings.runs(); run++) {
            long done = 2L * settings.registered() + 6L * run;
            double answers = pace(List.of(""), figures.none).answers();
            listener.at(done + 1, "no adapter");
            var one = pace(names.subList(0, 1), figures.one);
            listener.at(done + 2, "one");
            var few = pace(names.subList(0, FEW), figures.few);
            listener.at(done + 3, "few");
            var many = pace(names, figures.many);
            listener.at(done + 4, "many");
            figures.fits.add(firstToken(settings.slots(), answers * LOAD));
            listener.at(done + 5, "working set that fits");
            figures.twice.add(firstToken(2 * settings.slots(), answers * LOAD));
            listener.at(done + 6, "twice the slots");
            figures.failed += one.failed() + few.failed() + many.failed();
        }
        return report();
    }

    private void register(Listener listener) {
        SyntheticAdapters adapters = new SyntheticAdapters(node.base(), 0.02);
        VersionPublisher publisher = new VersionPublisher(node.store(), node.base());
        for (int i = 0; i < names.size(); i++) {
            publisher.create(names.get(i), adapters.weights(seed + i));
            listener.at(i + 1L, "adapters registered");
        }
    }

    /** Each version is proven once on this node; that is no part of what is measured. */
    private void warm(Listener listener) throws InterruptedException {
        long[] done = {settings.registered()};
        throughput.touch(names.reversed(), () -> {
            synchronized (done) {
                listener.at(++done[0], "adapters asked once");
            }
        });
        var unused = throughput.measure(names.subList(0, FEW), ALPHA, settings.time());
    }

    private Throughput.Pace pace(List<String> adapters, List<Double> into)
            throws InterruptedException {
        Throughput.Pace pace = throughput.measure(adapters, ALPHA, settings.time());
        into.add(pace.tokens());
        return pace;
    }

    private double firstToken(int adapters, double perSecond) throws InterruptedException {
        StoreClient registry = StoreClient.over(node.channel());
        LoadSettings load = new LoadSettings(perSecond, settings.time(), ArrivalPattern.POISSON,
                names.subList(0, adapters), 0, 100_000, PROMPT_WORDS, TOKENS_MAX,
                Duration.ofSeconds(60), Duration.ofSeconds(2), Duration.ofSeconds(1), 16,
                new SeededRandom(seed).split("run " + figures.fits.size()).nextInt(1 << 30));
        LoadReport report =
                new LoadRun(load, node.channel(), registry, nanos, (at, note) -> {}).run();
        figures.failed += report.figures().sent() - report.figures().answered();
        figures.wrong += report.wrong();
        return report.figures().firstTokenMillis().p50();
    }

    private AdaptersReport report() {
        AdaptersReport.Runs none = AdaptersReport.Runs.of("no adapter", figures.none);
        AdaptersReport.Runs one = AdaptersReport.Runs.of("one adapter", figures.one);
        AdaptersReport.Runs few = AdaptersReport.Runs.of(FEW + " adapters", figures.few);
        AdaptersReport.Runs many = AdaptersReport.Runs.of(
                "%d adapters".formatted(settings.registered()), figures.many);
        AdaptersReport.Runs fits = AdaptersReport.Runs.of(
                "first token, %d adapters".formatted(settings.slots()), figures.fits);
        AdaptersReport.Runs twice = AdaptersReport.Runs.of(
                "first token, %d adapters".formatted(2 * settings.slots()), figures.twice);
        return new AdaptersReport(settings.model(), settings.threads(), settings.slots(),
                settings.clients(), settings.registered(), List.of(none, one, few, many),
                List.of(fits, twice),
                List.of(new AdaptersReport.Ratio("one adapter / none",
                        one.median() / none.median(), ONE_LEAST, true),
                        new AdaptersReport.Ratio("%s / %s".formatted(many.what(), few.what()),
                                many.median() / few.median(), MANY_LEAST, true),
                        new AdaptersReport.Ratio("first token p50, twice the slots / the slots",
                                twice.median() / fits.median(), WORKING_SET_MOST, false)),
                figures.failed, figures.wrong);
    }
}
