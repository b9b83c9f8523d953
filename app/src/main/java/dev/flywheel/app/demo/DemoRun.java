package dev.flywheel.app.demo;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.follow.ManifestFollower;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Runs readers and teacher against a node and measures what they see.
 *
 * <p>All of them are outside clients: gRPC calls over one channel. Only the audit after the drain and the flip times come
 * from the process itself.
 */
public final class DemoRun {
    private static final String TENANT = "default";
    private static final Duration DRAIN = Duration.ofSeconds(60);
    private static final Duration SETTLE = Duration.ofSeconds(2);
    private static final long PAUSE_NANOS = 50_000_000;

    /** Slates over which the view's click-through runs. */
    private static final int RECENT = 100;

    /** Share of the click-through before the drift that counts as recovered. */
    private static final double RECOVERED = 0.9;

    private final DemoSettings settings;
    private final LocalLoop node;
    private final LiveView view;
    private final LongSupplier nanos;
    private final Answers answers = new Answers();
    private final LoopLatency rankLatency = new LoopLatency();
    private final LoopLatency deskLatency = new LoopLatency();

    /** Makes the adapters and runs the demo against a node. */
    public static DemoReport against(
            LocalLoop node, DemoSettings settings, LiveView view, LongSupplier nanos)
            throws InterruptedException {
        node.createAdapter(DemoSettings.RANKER, AdapterSettings.ranker().withTenant(TENANT));
        node.createAdapter(DemoSettings.DESK, AdapterSettings.teacher().withTenant(TENANT));
        return new DemoRun(settings, node, view, nanos).run(new DemoWorld(settings.seed()));
    }

    DemoRun(DemoSettings settings, LocalLoop node, LiveView view, LongSupplier nanos) {
        this.settings = settings;
        this.node = node;
        this.view = view;
        this.nanos = nanos;
    }

    /** Runs the whole demo; blocks for its length. */
    DemoReport run(DemoWorld world) throws InterruptedException {
        NodeClient client = new NodeClient(node.channel(), answers);
        Teacher teacher = new Teacher(world.lesson(client), client, deskLatency, nanos);
        view.event(
                "asking the questions whose answers must not change, before anything is learned");
        List<String> before = teacher.unrelatedAnswers();
        long answeredBefore = answers.answeredCount();
        long impressionsBefore = answers.impressionCount();
        StoreClient registry = StoreClient.over(node.channel());
        try (ManifestFollower ranker = follow(registry, DemoSettings.RANKER, rankLatency);
                ManifestFollower desk = follow(registry, DemoSettings.DESK, deskLatency)) {
            long start = nanos.getAsLong();
            ReaderTraffic traffic = traffic(world, client, start);
            DemoReport.CorrectionResult correction =
                    underTraffic(
                            traffic,
                            start,
                            () -> teach(teacher, before, start),
                            () -> moment(traffic, ranker, start, answeredBefore));
            view.event("traffic has stopped, draining");
            long impressions = answers.impressionCount() - impressionsBefore;
            FeedbackFates fates = node.drain(DRAIN);
            settle(traffic, teacher, ranker, fates);
            return report(
                    traffic, impressions, ranker.versions() + desk.versions(), fates, correction);
        }
    }

    private static ManifestFollower follow(StoreClient registry, String adapter,
            LoopLatency latency) {
        return new ManifestFollower(
                registry,
                adapter,
                manifest -> {
                    if (manifest.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
                        Set<FeedbackKey> trained = new HashSet<>(manifest.getFeedbackList());
                        manifest.getQuarantinedList().forEach(trained::remove);
                        trained.forEach(key -> latency.learned(key.getFeedbackId(),
                                manifest.getVersion()));
                    }
                });
    }

    /** Asks once more, so that what was learned last is measured too, and waits until the follower has seen all of it. */
    private void settle(
            ReaderTraffic traffic, Teacher teacher, ManifestFollower ranker, FeedbackFates fates) {
        long deadline = nanos.getAsLong() + SETTLE.toNanos();
        traffic.askUncounted();
        teacher.askUncounted();
        while (rankLatency.count() + deskLatency.count() < fates.trained()
                && nanos.getAsLong() < deadline) {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        view.event("%d versions, newest %d".formatted(ranker.versions(), ranker.newest()));
    }

    private interface Lesson {
        DemoReport.CorrectionResult teach() throws InterruptedException;
    }

    private ReaderTraffic traffic(DemoWorld world, NodeClient client, long start) {
        return new ReaderTraffic(
                new ReaderTraffic.Settings(
                        DemoSettings.RANKER, settings.seed(), settings.seconds() / 2.0, start),
                client,
                world.readers(),
                rankLatency,
                nanos);
    }

    private DemoReport.CorrectionResult teach(Teacher teacher, List<String> before, long start)
            throws InterruptedException {
        long begin = start + TimeUnit.SECONDS.toNanos(settings.seconds() / 6);
        parkUntil(begin);
        long deadline = start + TimeUnit.SECONDS.toNanos(settings.seconds() * 5L / 6);
        return teacher.teach(before, deadline, view::event);
    }

    private DemoReport.CorrectionResult underTraffic(
            ReaderTraffic traffic, long start, Lesson lesson, Supplier<LiveView.Moment> moment)
            throws InterruptedException {
        long end = start + TimeUnit.SECONDS.toNanos(settings.seconds());
        AtomicLong number = new AtomicLong();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> askers = new ArrayList<>();
            for (int i = 0; i < settings.threads(); i++) {
                askers.add(clients.submit(() -> askUntil(end, start, number, traffic)));
            }
            Future<DemoReport.CorrectionResult> taught = clients.submit(lesson::teach);
            while (nanos.getAsLong() < end) {
                view.show(moment.get());
                parkUntil(Math.min(end, nanos.getAsLong() + 250_000_000L));
            }
            for (Future<?> asker : askers) {
                result(asker);
            }
            return result(taught);
        }
    }

    private static <T> T result(Future<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException("a simulated client broke", e.getCause());
        }
    }

    private void askUntil(long end, long start, AtomicLong number, ReaderTraffic traffic) {
        while (true) {
            long mine = number.getAndIncrement();
            long due = start + (long) (mine * 1e9 / settings.askersPerSecond());
            if (due >= end || nanos.getAsLong() >= end) {
                return;
            }
            parkUntil(due);
            traffic.ask(mine);
        }
    }

    private void parkUntil(long due) {
        for (long left = due - nanos.getAsLong(); left > 0; left = due - nanos.getAsLong()) {
            LockSupport.parkNanos(left);
        }
    }

    private LiveView.Moment moment(
            ReaderTraffic traffic, ManifestFollower follower, long start, long answeredBefore) {
        double seconds = (nanos.getAsLong() - start) / 1e9;
        LoopLatency.Measured latency = LoopLatency.of(rankLatency, deskLatency);
        return new LiveView.Moment(
                seconds,
                settings.seconds(),
                answers.answeredCount() - answeredBefore,
                follower.newest(),
                traffic.learned.recent(RECENT),
                traffic.frozen.recent(RECENT),
                traffic.popular.recent(RECENT),
                latency.quantileSeconds(0.5),
                latency.quantileSeconds(0.99),
                answers.failedCount(),
                answers.mixedCount(),
                seconds >= settings.seconds() / 2.0);
    }

    private DemoReport report(
            ReaderTraffic traffic,
            long impressions,
            long versions,
            FeedbackFates fates,
            DemoReport.CorrectionResult correction) {
        LoopLatency.Measured latency = LoopLatency.of(rankLatency, deskLatency);
        return new DemoReport(
                settings.seed(),
                settings.seconds(),
                impressions,
                fates,
                versions,
                answers.failedCount(),
                answers.mixedCount(),
                new DemoReport.LoopSeconds(
                        latency.quantileSeconds(0.5),
                        latency.quantileSeconds(0.95),
                        latency.quantileSeconds(0.99),
                        latency.count()),
                new DemoReport.ClickThrough(
                        rates(traffic.frozen), rates(traffic.popular), rates(traffic.learned)),
                recovery(traffic.learned),
                correction,
                new DemoReport.Swaps(node.swaps(), node.flipMillisP99()),
                answers.acknowledgedCount(),
                answers.withoutTokenCount());
    }

    private DemoReport.Rates rates(ArmClicks arm) {
        return new DemoReport.Rates(
                arm.rate(0, Double.MAX_VALUE),
                arm.rate(settings.seconds() * 0.75, Double.MAX_VALUE));
    }

    /** Seconds after the drift until the last slates reach 90 % of what the quarter before the drift had. */
    private double recovery(ArmClicks learned) {
        double drift = settings.seconds() / 2.0;
        double level = learned.rate(settings.seconds() / 4.0, drift) * RECOVERED;
        return level > 0 ? learned.firstReached(drift, RECENT / 2, level) - drift : Double.NaN;
    }
}
