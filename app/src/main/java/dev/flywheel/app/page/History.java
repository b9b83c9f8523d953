package dev.flywheel.app.page;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last minutes of this process's figures, so many samples and no more. One thread takes them; any may read. Closing ends it.
 */
public final class History implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(History.class);
    private static final String DELAY = "flywheel.feedback.to.serving.delay";
    private static final String SHOWN = "flywheel.loop.evaluation.";

    private final MeterReader meters;
    private final String node;
    private final Duration interval;
    private final int samplesMax;
    private final Duration alarmAfter;
    private final LongSupplier nanos;
    private final long startNanos;
    private final long startMillis;
    private final Deque<Sample> samples = new ArrayDeque<>();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("console").factory());
    private Counted before;
    private @Nullable Long unbalancedSince;

    /** Counters of one moment, of which two make rates. */
    private record Counted(long nanos, Map<String, Double> counts, @Nullable Buckets delay) {
        @Nullable
        Double rate(String name, Counted since) {
            Double now = counts.get(name);
            Double then = since.counts().get(name);
            double seconds = (nanos - since.nanos()) / 1e9;
            return now == null || then == null || seconds <= 0 ? null
                    : Double.valueOf(Math.max(0, now - then) / seconds);
        }

        @Nullable
        Double delay(double quantile, Counted since) {
            Buckets now = delay;
            Buckets then = since.delay();
            return now == null || then == null ? null : now.quantileSince(then, quantile);
        }
    }

    /**
     * What the page asks for again and again.
     *
     * @param unbalancedMillis for how long samples have seen an audit that does not balance; what moves may do so for a moment
     * @param alarmAfterMillis from then on it is no moment any more
     */
    record Live(
            String node,
            long startedAtMillis,
            long intervalMillis,
            List<String> evaluated,
            @Nullable AuditFigures audit,
            long unbalancedMillis,
            long alarmAfterMillis,
            List<Point> samples) {}

    /** A sample with the click-through of one adapter. */
    record Point(Sample sample, @Nullable Double taken, @Nullable Double foretold) {}

    /** Looks only when it is told to. */
    History(MeterRegistry meters, String node, Duration interval, int samplesMax,
            Duration alarmAfter, InstantSource clock, LongSupplier nanos) {
        this.meters = new MeterReader(meters);
        this.node = node;
        this.interval = interval;
        this.samplesMax = samplesMax;
        this.alarmAfter = alarmAfter;
        this.nanos = nanos;
        this.startNanos = nanos.getAsLong();
        this.startMillis = clock.millis();
        this.before = count();
    }

    /**
     * Takes a sample each {@code interval}.
     *
     * @param node name of the node, to be shown
     * @param samplesMax kept; the oldest go first
     * @param alarmAfter an audit that does not balance for so long is shown as wrong
     */
    public static History start(MeterRegistry meters, String node, Duration interval,
            int samplesMax, Duration alarmAfter, InstantSource clock) {
        History history =
                new History(meters, node, interval, samplesMax, alarmAfter, clock,
                        System::nanoTime);
        var unused = history.timer.scheduleAtFixedRate(history::lookOrSay, interval.toNanos(),
                interval.toNanos(), TimeUnit.NANOSECONDS);
        return history;
    }

    private void lookOrSay() {
        try {
            look();
        } catch (RuntimeException e) {
            LOG.warn("the console takes no sample now: {}", e.toString());
        }
    }

    /** A series begins when something happens first; whether rounds happen here, their failures tell, which are counted from 0. */
    private Counted count() {
        Map<String, Double> counts = new HashMap<>();
        counts.put("requests", orNone(meters.count("gen_ai.server.request.duration")));
        counts.put("tokens", orNone(meters.count("flywheel.serving.tokens")));
        counts.put("feedback", orNone(meters.count("flywheel.feedback.events", "at", "node",
                "result", "accepted")));
        if (meters.count("flywheel.train.failures") != null) {
            counts.put("rounds", orNone(meters.count("flywheel.gate.outcomes")));
        }
        return new Counted(nanos.getAsLong(), counts, meters.buckets(DELAY));
    }

    private static double orNone(@Nullable Double count) {
        return count == null ? 0 : count;
    }

    /** Takes a sample. */
    void look() {
        Counted now = count();
        Map<String, Double> taken = meters.values(SHOWN + "observed", "adapter", "versions", "all");
        Map<String, Double> foretold =
                meters.values(SHOWN + "predicted", "adapter", "versions", "all");
        AuditFigures audit = AuditFigures.of(meters);
        synchronized (samples) {
            judge(audit, now.nanos());
            samples.addLast(new Sample(samples.isEmpty() ? 1 : samples.getLast().sequence() + 1,
                    startMillis + (now.nanos() - startNanos) / 1_000_000,
                    now.rate("requests", before), now.rate("tokens", before),
                    now.rate("feedback", before), now.rate("rounds", before),
                    meters.value("flywheel.kv.cache.usage.ratio"),
                    meters.value("flywheel.requests.running"),
                    meters.value("flywheel.requests.waiting"), now.delay(0.5, before),
                    now.delay(0.99, before), taken, foretold));
            before = now;
            while (samples.size() > samplesMax) {
                samples.removeFirst();
            }
        }
    }

    private void judge(@Nullable AuditFigures audit, long at) {
        if (audit == null || audit.balanced() || audit.pending() < 0) {
            unbalancedSince = null;
        } else if (unbalancedSince == null) {
            unbalancedSince = at;
        }
    }

    private long unbalancedMillis() {
        Long since = unbalancedSince;
        return since == null ? 0 : (nanos.getAsLong() - since) / 1_000_000;
    }

    /** Returns the samples above the query's {@code after}; a reader that sees another start begins again. */
    Live since(Query query) {
        String adapter = query.text("adapter");
        long after = query.whole("after", 0, Long.MAX_VALUE / 10, 0);
        List<Sample> kept;
        long unbalanced;
        synchronized (samples) {
            kept = new ArrayList<>(samples);
            unbalanced = unbalancedMillis();
        }
        TreeSet<String> evaluated = new TreeSet<>();
        kept.forEach(sample -> evaluated.addAll(sample.taken().keySet()));
        return new Live(node, startMillis, interval.toMillis(), List.copyOf(evaluated),
                AuditFigures.of(meters), unbalanced, alarmAfter.toMillis(),
                kept.stream()
                        .filter(sample -> sample.sequence() > after)
                        .map(sample -> new Point(sample, sample.taken().get(adapter),
                                sample.foretold().get(adapter)))
                        .toList());
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
