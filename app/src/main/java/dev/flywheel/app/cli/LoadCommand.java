package dev.flywheel.app.cli;

import dev.flywheel.api.client.ApiKey;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.load.ArrivalPattern;
import dev.flywheel.app.load.LoadReport;
import dev.flywheel.app.load.LoadRun;
import dev.flywheel.app.load.LoadSettings;
import dev.flywheel.app.load.Percentiles;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Many clients at once. */
@Command(
        name = "load",
        mixinStandardHelpOptions = true,
        description = {
            "Asks a running node for answers when they are due, whether it keeps up or not (an open loop), with adapters as popular as a power law"
                    + " has them, and reports how soon tokens came. Times count from when a request was due.",
            "Checks every answer: one version, the registry's digest, and the tokens that the version gives each time. What versions"
                    + " said is asked again afterwards, of the version alone.",
            "Exit code 1 if an answer is wrong, or a call fails other than for want of room (RESOURCE_EXHAUSTED) or time"
                    + " (DEADLINE_EXCEEDED)."
        })
public final class LoadCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--node", paramLabel = "HOST:PORT", defaultValue = "127.0.0.1:7470",
            description = "The node. Default: ${DEFAULT-VALUE}.") private String node =
                    "127.0.0.1:7470";

    @Option(names = "--rate", paramLabel = "N", defaultValue = "10",
            description = "Requests a second, on average. Default: ${DEFAULT-VALUE}.") private double rate =
                    10;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "30",
            description = "For how long. Default: ${DEFAULT-VALUE}.") private int seconds = 30;

    @Option(names = "--arrivals", paramLabel = "PATTERN", defaultValue = "POISSON",
            description = "How requests are spread: POISSON, or BURSTY (gamma, three times the deviation). Default: ${DEFAULT-VALUE}.") private ArrivalPattern arrivals =
                    ArrivalPattern.POISSON;

    @Option(names = "--adapter", paramLabel = "NAME",
            description = "Whom to ask, the most popular first; again for more. Default: all of the node that serve tenant default.") private List<
                    String> adapters =
                            List.of();

    @Option(names = "--alpha", paramLabel = "X", defaultValue = "1",
            description = "The i-th adapter is asked in proportion to i^-X; 0: all alike. Default: ${DEFAULT-VALUE}.") private double alpha =
                    1;

    @Option(names = "--prompts", paramLabel = "N", defaultValue = "16",
            description = "Different prompts. Default: ${DEFAULT-VALUE}.") private int prompts = 16;

    @Option(names = "--prompt-words", paramLabel = "N", defaultValue = "32",
            description = "Words of each. Default: ${DEFAULT-VALUE}.") private int promptWords = 32;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "32",
            description = "Most tokens of an answer. Default: ${DEFAULT-VALUE}.") private int tokensMax =
                    32;

    @Option(names = "--deadline", paramLabel = "TIME", defaultValue = "10s",
            converter = DurationConverter.class,
            description = "Of each request. Default: ${DEFAULT-VALUE}.") private Duration deadline =
                    Duration.ofSeconds(10);

    @Option(names = "--first-token", paramLabel = "TIME", defaultValue = "500ms",
            converter = DurationConverter.class,
            description = "An answer is good if its first token comes by then. Default: ${DEFAULT-VALUE}.") private Duration firstToken =
                    Duration.ofMillis(500);

    @Option(names = "--gap", paramLabel = "TIME", defaultValue = "50ms",
            converter = DurationConverter.class,
            description = "And its tokens come no further apart, on average. Default: ${DEFAULT-VALUE}.") private Duration gap =
                    Duration.ofMillis(50);

    @Option(names = "--checks", paramLabel = "N", defaultValue = "1000",
            description = "Most answers asked for again afterwards. Default: ${DEFAULT-VALUE}.") private int checks =
                    1000;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "7",
            description = "Number that fixes all requests. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    @Override
    public Integer call() throws InterruptedException {
        requireSound();
        report.requireWritable();
        ManagedChannel channel = Grpc
                .newChannelBuilder(node, InsecureChannelCredentials.create())
                .intercept(ApiKey.shown(OwnKey.get()))
                .build();
        try (StoreClient registry = StoreClient.connect(node, OwnKey.get())) {
            LoadSettings settings = new LoadSettings(rate, Duration.ofSeconds(seconds), arrivals,
                    asked(registry), alpha, prompts, promptWords, tokensMax, deadline, firstToken,
                    gap, checks, seed);
            Progress progress = new Progress(report.output().progress(),
                    report.output().watched(), "s", seconds, System.nanoTime());
            LoadReport result = new LoadRun(settings, channel, registry, System::nanoTime,
                    (at, note) -> progress.update((long) Math.min(at, seconds - 1.0), note,
                            System.nanoTime()))
                    .run();
            report.give(result, text(result));
            return result.held() ? 0 : 1;
        } finally {
            channel.shutdownNow();
        }
    }

    private void requireSound() {
        UsageChecks.requireAddress(spec, "--node", node);
        UsageChecks.requireAtLeast(spec, "--seconds", seconds, 1);
        UsageChecks.requireAtLeast(spec, "--prompts", prompts, 1);
        UsageChecks.requireAtLeast(spec, "--prompt-words", promptWords, 1);
        UsageChecks.requireAtLeast(spec, "--max-tokens", tokensMax, 1);
        UsageChecks.requireAtLeast(spec, "--checks", checks, 0);
        UsageChecks.require(spec, rate > 0 && rate <= 1e6, "--rate", rate,
                "a number above 0 up to 1000000");
        UsageChecks.require(spec, alpha >= 0 && alpha <= 100, "--alpha", alpha,
                "a number from 0 to 100");
    }

    /** The bare base model where there is no adapter. */
    private List<String> asked(StoreClient registry) {
        if (!adapters.isEmpty()) {
            return adapters;
        }
        List<String> all = registry.listAdapters()
                .stream()
                .filter(each -> each.getTenant().isEmpty() || each.getTenant().equals("default"))
                .map(AdapterRecord::getName)
                .sorted()
                .toList();
        return all.isEmpty() ? List.of("") : all;
    }

    private static String text(LoadReport report) {
        var figures = report.figures();
        return String.format(Locale.ROOT,
                """
                        sent         %,d in %.0f s, %.1f/s (%s), %,d adapters, seed %d
                        answered     %,d, %,d of them in time: %.1f/s; %.0f tokens/s
                        failed       %s
                        first token  %s
                        between      %s
                        whole        %s
                        checked      %,d versions; %,d answers given again alone, %,d not asked again, %,d wrong%s""",
                figures.sent(), report.seconds(), report.perSecond(), report.pattern(),
                report.adapters(), report.seed(), figures.answered(), figures.good(),
                figures.goodPerSecond(), figures.tokensPerSecond(),
                figures.errors().isEmpty() ? "0" : figures.errors(),
                row(figures.firstTokenMillis()), row(figures.gapMillis()),
                row(figures.answerMillis()), report.versions(), report.checkedAgain(),
                report.unchecked(), report.wrong(),
                String.join("", report.wrongShown()
                        .stream()
                        .map(each -> "\nWRONG  " + each)
                        .toList()));
    }

    private static String row(Percentiles times) {
        return String.format(Locale.ROOT, "p50 %.1f  p90 %.1f  p99 %.1f  max %.1f ms", times.p50(),
                times.p90(), times.p99(), times.max());
    }
}
