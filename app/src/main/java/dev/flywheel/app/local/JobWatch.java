package dev.flywheel.app.local;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after the loop's job: says so, once, when it has ended for good, and exports how often it was restarted and how much
 * feedback is on its way.
 *
 * <p>Flink restarts a job after most failures by itself; one that is over learns nothing more, whatever else still answers.
 * The caller closes it before the job.
 */
public final class JobWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(JobWatch.class);

    private final EmbeddedFlink flink;
    private final LoopProgress progress;
    private final Consumer<String> over;
    private final AtomicLong restarts = new AtomicLong();
    /** -1 while it cannot be measured. */
    private final AtomicLong pending = new AtomicLong(-1);
    /** Where the feedback topic ended at the last look: what has come since may still be too new to show. */
    private Map<Integer, Long> ends = Map.of();
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("job-watch").factory());

    public JobWatch(EmbeddedFlink flink, LoopProgress progress, MeterRegistry meters,
            Duration interval, Consumer<String> over) {
        this.flink = flink;
        this.progress = progress;
        this.over = over;
        Gauge.builder("flywheel.loop.job.restarts", restarts, AtomicLong::get)
                .description("times Flink started the loop's job again")
                .register(meters);
        Gauge.builder("flywheel.loop.pending", pending, AtomicLong::get)
                .description("acknowledged feedback that has no end yet; -1: not measured")
                .register(meters);
        var unused = timer.scheduleWithFixedDelay(this::look, interval.toMillis(),
                interval.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void look() {
        try {
            if (flink.over()) {
                timer.shutdown();
                pending.set(-1);
                over.accept(
                        "the loop's job has ended and nothing is learned any more (%s); start again"
                                .formatted(reason()));
                return;
            }
            restarts.set(progress.restarts());
            pending.set(progress.measure(ends).map(LoopProgress.Pending::total).orElse(-1L));
            ends = progress.ends();
        } catch (IOException e) {
            pending.set(-1);
            LOG.debug("the job's figures cannot be read now: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns the innermost cause: what Flink wraps around it tells an operator nothing. */
    private String reason() throws InterruptedException {
        Throwable cause = flink.failure().orElse(null);
        while (cause != null && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause == null ? "its state is " + flink.status()
                : String.valueOf(cause.getMessage());
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
