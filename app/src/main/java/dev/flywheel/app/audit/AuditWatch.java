package dev.flywheel.app.audit;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Audits a running loop again and again: exports each term as {@code flywheel.audit.*}, and says so when a difference stays.
 *
 * <p>One thread of its own; closing ends it. An audit that fails is tried again at the next look, while {@code flywheel.audit.age}
 * rises.
 */
public final class AuditWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditWatch.class);
    private static final Duration STOP = Duration.ofSeconds(5);

    private final Look look;
    private final Duration alarmAfter;
    private final Supplier<Long> nanos;
    private final Consumer<String> alarm;
    private final MultiGauge refused;
    private volatile @Nullable AuditReport last;
    private volatile long lookedAt;
    private @Nullable Long unbalancedSince;
    private boolean alarmed;
    private boolean broken;
    private @Nullable Thread thread;

    /** Counts once. */
    @FunctionalInterface
    public interface Look extends AutoCloseable {
        AuditReport audit() throws InterruptedException;

        @Override
        default void close() {}
    }

    /**
     * Begins after the first interval.
     *
     * @param look closed by this
     * @param alarmAfter a difference that stays for longer is logged
     */
    public static AuditWatch start(Look look, MeterRegistry meters, Duration interval,
            Duration alarmAfter) {
        AuditWatch watch =
                new AuditWatch(look, meters, alarmAfter, System::nanoTime, LOG::warn);
        watch.thread = Thread.ofPlatform()
                .daemon()
                .name("audit")
                .start(() -> watch.run(interval));
        return watch;
    }

    /** Looks only when it is told to. */
    AuditWatch(Look look, MeterRegistry meters, Duration alarmAfter, Supplier<Long> nanos,
            Consumer<String> alarm) {
        this.look = look;
        this.alarmAfter = alarmAfter;
        this.nanos = nanos;
        this.alarm = alarm;
        this.refused = MultiGauge.builder("flywheel.audit.refused")
                .description("feedback events that ended refused, by reason")
                .register(meters);
        Map<String, ToDoubleFunction<AuditReport>> terms = Map.of(
                "acknowledged", AuditReport::acknowledged,
                "trained", AuditReport::trained,
                "quarantined", AuditReport::quarantined,
                "refused", report -> report.refusedInAll(),
                "pending", report -> report.fates().pending());
        terms.forEach((term, value) -> Gauge
                .builder("flywheel.audit.events", this, watch -> watch.figure(value))
                .tags(Tags.of("term", term))
                .description("distinct feedback events by where they are")
                .register(meters));
        gauge(meters, "difference", AuditReport::difference,
                "acknowledged events that no term accounts for; below 0: counted twice");
        gauge(meters, "in.two.manifests", report -> report.duplicates().inTwoManifests(),
                "events that stand in more than one manifest that ended");
        gauge(meters, "repeated", report -> report.duplicates().repeated(),
                "records of events that had come before");
        gauge(meters, "not.followed", AuditReport::notFollowed,
                "events without an end beyond audit.events_max: the difference says nothing then");
        Gauge.builder("flywheel.audit.age", this, AuditWatch::ageSeconds)
                .baseUnit("seconds")
                .description("time since the last audit that came to an end")
                .register(meters);
    }

    private void gauge(MeterRegistry meters, String name, ToDoubleFunction<AuditReport> value,
            String description) {
        Gauge.builder("flywheel.audit." + name, this, watch -> watch.figure(value))
                .description(description)
                .register(meters);
    }

    private double figure(ToDoubleFunction<AuditReport> value) {
        AuditReport report = last;
        return report == null ? Double.NaN : value.applyAsDouble(report);
    }

    private double ageSeconds() {
        return last == null ? Double.NaN : (nanos.get() - lookedAt) / 1e9;
    }

    private void run(Duration interval) {
        try (look) {
            while (true) {
                TimeUnit.NANOSECONDS.sleep(interval.toNanos());
                look();
            }
        } catch (InterruptedException e) {
            LOG.debug("the audit ends");
        }
    }

    /** Looks once. */
    void look() throws InterruptedException {
        try {
            tell(look.audit());
            broken = false;
        } catch (RuntimeException e) {
            if (Thread.interrupted()) {
                throw new InterruptedException("the audit was told to end");
            }
            // Once, not at every look, while it stays so.
            if (!broken) {
                LOG.warn("feedback cannot be audited now, trying on: {}", e.toString());
            }
            broken = true;
        }
    }

    private void tell(AuditReport report) {
        last = report;
        lookedAt = nanos.get();
        refused.register(report.refused()
                .entrySet()
                .stream()
                .map(each -> MultiGauge.Row.of(Tags.of("reason", each.getKey()),
                        each.getValue()))
                .toList(), true);
        if (report.pending() == null) {
            return; // the job starts, or is gone; its own watch tells
        }
        judge(report);
    }

    private void judge(AuditReport report) {
        Long since = unbalancedSince;
        if (report.balanced()) {
            if (alarmed) {
                alarm.accept("the audit of feedback balances again");
            }
            unbalancedSince = null;
            alarmed = false;
        } else if (since == null) {
            unbalancedSince = lookedAt;
        } else if (!alarmed && lookedAt - since >= alarmAfter.toNanos()) {
            alarmed = true;
            alarm.accept(words(report, lookedAt - since));
        }
    }

    private static String words(AuditReport report, long nanos) {
        List<OpenEvent> oldest = report.oldestOpen();
        return String.format(Locale.ROOT,
                "feedback does not balance for %.0f s: acknowledged=%d trained=%d quarantined=%d refused=%d pending=%d difference=%d inTwoManifests=%d notFollowed=%d%s; ./flywheel audit counts from scratch",
                nanos / 1e9, report.acknowledged(), report.trained(), report.quarantined(),
                report.refusedInAll(), report.fates().pending(), report.difference(),
                report.duplicates().inTwoManifests(), report.notFollowed(),
                oldest.isEmpty() ? "" : " oldest=" + oldest.getFirst());
    }

    @Override
    public void close() throws InterruptedException {
        Thread running = thread;
        if (running != null) {
            running.interrupt();
            running.join(STOP);
        }
    }
}
