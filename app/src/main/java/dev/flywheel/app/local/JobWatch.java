package dev.flywheel.app.local;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after the loop's job: says so, once, when it has ended for good, and exports how often it was restarted, how much
 * feedback is on its way, and how well versions foresaw what users did.
 *
 * <p>Flink restarts a job after most failures by itself; one that is over learns nothing more, whatever else still answers.
 * The caller closes it before the job.
 */
public final class JobWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(JobWatch.class);
    private static final long NOT_MEASURED = -1;

    private final Job job;
    private final Consumer<String> over;
    private final EvaluationMeters evaluations;
    private final JobMeters outcomes;
    private final AtomicLong restarts = new AtomicLong();
    private final AtomicLong pending = new AtomicLong(NOT_MEASURED);
    /** Where the feedback topic ended at the last look: what has come since may still be too new to show. */
    private @Nullable Map<Integer, Long> ends;
    private boolean broken;
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("job-watch").factory());

    /** The job as it is looked at. */
    interface Job {
        boolean over() throws InterruptedException;

        /** Returns why it is over. */
        String reason() throws InterruptedException;

        long restarts() throws IOException, InterruptedException;

        /** Returns where each partition of the feedback topic ends now. */
        Map<Integer, Long> ends() throws IOException, InterruptedException;

        /** Returns the feedback on its way up to {@code ends}; empty while it cannot be measured. */
        Optional<Long> pending(Map<Integer, Long> ends) throws IOException, InterruptedException;

        /** Returns the newest figures of evaluation. */
        EvaluationReport evaluations() throws IOException, InterruptedException;

        /** Returns what it has come to so far, as of the last look at what is on its way. */
        JobOutcomes outcomes() throws IOException, InterruptedException;
    }

    public JobWatch(EmbeddedFlink flink, LoopProgress progress, MeterRegistry meters,
            Duration interval, Consumer<String> over) {
        this(new FlinkJob(flink, progress), meters, interval, over);
        var unused = timer.scheduleWithFixedDelay(this::look, interval.toMillis(),
                interval.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Looks only when it is told to. */
    JobWatch(Job job, MeterRegistry meters, Duration interval, Consumer<String> over) {
        this.job = job;
        this.over = over;
        this.evaluations = new EvaluationMeters(meters);
        this.outcomes = new JobMeters(meters, System::nanoTime);
        FunctionCounter.builder("flywheel.loop.job.restarts", restarts, AtomicLong::get)
                .description("times Flink started the loop's job again")
                .register(meters);
        Gauge.builder("flywheel.loop.pending", pending, AtomicLong::get)
                .description(
                        String.format(
                                Locale.ROOT,
                                "acknowledged feedback that has no end yet, without what came in the last %.1f s; -1: not measured",
                                interval.toMillis() / 1e3))
                .register(meters);
    }

    /** Looks once; fails never, since a task that does is not run again. */
    void look() {
        try {
            if (job.over()) {
                String reason = job.reason();
                timer.shutdown();
                pending.set(NOT_MEASURED);
                over.accept(
                        "the loop's job has ended and nothing is learned any more (%s); start again"
                                .formatted(reason));
                return;
            }
            measure();
            broken = false;
        } catch (IOException e) {
            pending.set(NOT_MEASURED);
            LOG.debug("the job's figures cannot be read now: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            pending.set(NOT_MEASURED);
            // Once, not at every look, while it stays so.
            if (!broken) {
                LOG.warn("the job cannot be looked at; trying on", e);
            }
            broken = true;
        }
    }

    private void measure() throws IOException, InterruptedException {
        restarts.set(job.restarts());
        Map<Integer, Long> before = ends;
        pending.set(before == null ? NOT_MEASURED : job.pending(before).orElse(NOT_MEASURED));
        ends = job.ends();
        evaluations.show(job.evaluations());
        outcomes.show(job.outcomes());
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }

    private record FlinkJob(EmbeddedFlink flink, LoopProgress progress) implements Job {
        @Override
        public boolean over() throws InterruptedException {
            return flink.over();
        }

        /** Returns the innermost cause: what Flink wraps around it tells an operator nothing. */
        @Override
        public String reason() throws InterruptedException {
            Throwable cause = flink.failure().orElse(null);
            while (cause != null && cause.getCause() != null) {
                cause = cause.getCause();
            }
            return cause == null ? "its state is " + flink.status()
                    : String.valueOf(cause.getMessage());
        }

        @Override
        public long restarts() throws IOException, InterruptedException {
            return progress.restarts();
        }

        @Override
        public Map<Integer, Long> ends() throws IOException, InterruptedException {
            return progress.ends();
        }

        @Override
        public Optional<Long> pending(Map<Integer, Long> ends)
                throws IOException, InterruptedException {
            return progress.measure(ends).map(LoopProgress.Pending::total);
        }

        @Override
        public EvaluationReport evaluations()
                throws IOException, InterruptedException {
            return progress.evaluations();
        }

        @Override
        public JobOutcomes outcomes() throws IOException, InterruptedException {
            return progress.outcomes();
        }
    }
}
