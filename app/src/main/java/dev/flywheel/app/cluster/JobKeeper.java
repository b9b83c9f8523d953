package dev.flywheel.app.cluster;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LoopTopics;
import dev.flywheel.app.local.RemoteJob;
import dev.flywheel.app.local.RemoteJob.Standing;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the loop's job on the Flink cluster: submits it when it is not there, from a checkpoint or from none. Its thread ends
 * with {@link #close}.
 */
final class JobKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(JobKeeper.class);
    private static final long LOOK_MILLIS = 250;
    /** A checkpoint that cannot be restored keeps the job starting, also one that it has made itself and that is damaged since. */
    private static final Duration RESTORED = Duration.ofSeconds(60);

    private final RemoteJob flink;
    private final FlywheelConfig config;
    private final Supplier<JobState> state;
    private final Thread thread;
    private volatile @Nullable String job;
    private volatile boolean runs;
    private volatile int submissions;
    private volatile boolean closed;
    private boolean hasRun;
    private boolean restored;
    private long stoodStillNanos;
    private boolean spoilt;
    private boolean topicsMade;

    /** @param state what each start begins with */
    JobKeeper(RemoteJob flink, FlywheelConfig config, Supplier<JobState> state) {
        this.flink = flink;
        this.config = config;
        this.state = state;
        this.thread = Thread.ofPlatform().daemon().name("job-keeper").unstarted(this::keep);
    }

    void start() {
        thread.start();
    }

    private void keep() {
        try {
            while (!closed) {
                look();
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() throws InterruptedException {
        try {
            String known = job;
            Standing standing = known == null ? Standing.GONE : flink.standing(known);
            runs = standing == Standing.RUNS;
            hasRun |= runs;
            spoilt &= !runs;
            if (standing == Standing.GONE) {
                submit();
            } else if (runs || flink.taskManagers() == 0) {
                stoodStillNanos = System.nanoTime();
            } else if (known != null && (restored || hasRun)
                    && System.nanoTime() - stoodStillNanos > RESTORED.toNanos()) {
                startAnew(known);
            }
        } catch (IOException | RuntimeException away) {
            runs = false;
            // Nobody could be asked, so nobody knows of it standing still.
            stoodStillNanos = System.nanoTime();
            LOG.debug("the job cannot be looked after now: {}", away.toString());
        }
    }

    /** Once it is gone it is submitted, from none if what it began with has never run. */
    private void startAnew(String known) throws IOException, InterruptedException {
        LOG.warn("the job does not start; {}", hasRun
                ? "submitted again from the newest checkpoint that is whole"
                : "its checkpoint cannot be restored, so it starts from none");
        flink.cancel(known);
        spoilt = !hasRun;
        stoodStillNanos = System.nanoTime();
    }

    private void submit() throws IOException, InterruptedException {
        if (flink.taskManagers() == 0) {
            return;
        }
        if (!topicsMade) {
            var unused = LoopTopics.make(config, config.processes().broker());
            topicsMade = true;
        }
        Optional<Path> from = state.get() == JobState.NONE || spoilt ? Optional.empty()
                : flink.newestCheckpoint();
        job = flink.submit(from);
        submissions = submissions + 1;
        hasRun = false;
        spoilt = false;
        restored = from.isPresent();
        stoodStillNanos = System.nanoTime();
        LOG.info("job {} submitted from {}", job,
                from.map(Path::toString).orElse("no checkpoint"));
    }

    /** Returns the job's id, if it was submitted. */
    Optional<String> job() {
        return Optional.ofNullable(job);
    }

    boolean runs() {
        return runs;
    }

    int submissions() {
        return submissions;
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
