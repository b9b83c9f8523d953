package dev.flywheel.app.local;

import dev.flywheel.pipelines.CheckpointTimes;
import dev.flywheel.pipelines.FlinkSettings;
import dev.flywheel.pipelines.LoopSettings;
import dev.flywheel.pipelines.checkpoint.Checkpoints;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.runtime.executiongraph.ErrorInfo;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Flink MiniCluster in this process that runs the loop's job, from the newest checkpoint that is there.
 *
 * <p>Closing it cancels the job and keeps its checkpoints. The caller closes it before the broker and the servers that the job
 * calls.
 */
public final class EmbeddedFlink implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EmbeddedFlink.class);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

    private final MiniCluster cluster;
    private final JobID job;

    private EmbeddedFlink(MiniCluster cluster, JobID job) {
        this.cluster = cluster;
        this.job = job;
    }

    /**
     * Starts a cluster and the job, and returns once all of the job's tasks run.
     *
     * @param checkpoints folder of the checkpoints; if one there cannot be restored the job starts from none, which loses
     *     nothing: the store knows what was claimed. A folder beside it, with {@code -tmp} after its name, is emptied and
     *     used for what need not outlive the process
     * @throws StartException if the job does not run in time
     */
    public static EmbeddedFlink start(
            LoopSettings settings, Path checkpoints, CheckpointTimes times,
            Duration timeout) {
        Path scratch = checkpoints.resolveSibling(checkpoints.getFileName() + "-tmp");
        Configuration configuration =
                FlinkSettings.local(checkpoints, scratch, times);
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(settings.parallelism())
                .build());
        try {
            Files.createDirectories(checkpoints);
            remove(scratch); // what a killed process left
            Files.createDirectories(scratch);
            cluster.start();
            Optional<Path> newest = keepNewest(checkpoints);
            return run(cluster, configuration, settings, newest, timeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw abandoned(cluster, e);
        } catch (Exception e) {
            // Flink's signatures leave no narrower type.
            throw abandoned(cluster, e);
        }
    }

    private static StartException abandoned(MiniCluster cluster, Exception e) {
        var unused = cluster.closeAsync();
        return e instanceof StartException start ? start
                : new StartException("the loop's job cannot start: " + e, e);
    }

    private static EmbeddedFlink run(
            MiniCluster cluster,
            Configuration configuration,
            LoopSettings settings,
            Optional<Path> from,
            Duration timeout) throws Exception {
        JobID job = submit(cluster, configuration, settings, from);
        EmbeddedFlink flink = new EmbeddedFlink(cluster, job);
        Optional<Throwable> failure = flink.awaitRunning(from.isPresent(), timeout);
        if (failure.isEmpty()) {
            return flink;
        }
        flink.cancelJob();
        if (from.isEmpty()) {
            throw new StartException("the loop's job cannot start: " + failure.get(),
                    failure.get());
        }
        log.warn("checkpoint {} cannot be restored, starting from none: {}", from.get(),
                failure.get().toString());
        return run(cluster, configuration, settings, Optional.empty(), timeout);
    }

    private static JobID submit(
            MiniCluster cluster, Configuration configuration, LoopSettings settings,
            Optional<Path> from)
            throws ExecutionException, InterruptedException {
        StreamGraph graph = LoopGraph.of(configuration, settings, from);
        cluster.submitJob(graph).get();
        JobID id = graph.getJobID();
        log.info("loop job submitted job={} from={}", id,
                from.map(Path::toString).orElse("no checkpoint"));
        return id;
    }

    /** Drops what older jobs left, but for the newest checkpoint of all. */
    private static Optional<Path> keepNewest(Path checkpoints) throws IOException {
        Optional<Path> newest = Checkpoints.newest(checkpoints);
        Path kept = newest.map(Path::getParent).orElse(null);
        List<Path> jobs;
        try (Stream<Path> folders = Files.list(checkpoints)) {
            jobs = folders.filter(folder -> !folder.equals(kept)).toList();
        }
        for (Path old : jobs) {
            remove(old);
        }
        return newest;
    }

    private static void remove(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /**
     * Waits until all tasks run; returns why they do not.
     *
     * @param hasty whether the first failure is enough, as of a checkpoint; else Flink's restarts may still succeed
     */
    private Optional<Throwable> awaitRunning(boolean hasty, Duration timeout)
            throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (System.nanoTime() - deadline < 0) {
            if (allRun()) {
                return Optional.empty();
            }
            Optional<Throwable> failure = hasty ? lastFailure() : failure();
            if (failure.isPresent()) {
                return failure;
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
        return Optional.of(lastFailure().orElseGet(() -> new TimeoutException(
                "its tasks do not all run after " + timeout)));
    }

    private boolean allRun() throws InterruptedException {
        AccessExecutionGraph graph = graph();
        if (graph == null || graph.getState() != JobStatus.RUNNING) {
            return false;
        }
        for (AccessExecutionVertex vertex : graph.getAllExecutionVertices()) {
            if (vertex.getExecutionState() != ExecutionState.RUNNING) {
                return false;
            }
        }
        return true;
    }

    /** Returns why the job ended, empty while it has not. */
    public Optional<Throwable> failure() throws InterruptedException {
        AccessExecutionGraph graph = graph();
        return graph == null || graph.getState() != JobStatus.FAILED ? Optional.empty()
                : Optional.of(reason(graph.getFailureInfo()));
    }

    /** Whether the job has ended and will not start again by itself. */
    public boolean over() throws InterruptedException {
        AccessExecutionGraph graph = graph();
        return graph != null && graph.getState().isGloballyTerminalState();
    }

    /** Returns why the job, or a try of it, failed last. */
    private Optional<Throwable> lastFailure() throws InterruptedException {
        AccessExecutionGraph graph = graph();
        if (graph == null) {
            return Optional.empty();
        }
        return graph.getState() == JobStatus.FAILED ? failure()
                : Optional.ofNullable(graph.getFailureInfo()).map(EmbeddedFlink::reason);
    }

    private static Throwable reason(@Nullable ErrorInfo info) {
        return info == null ? new IllegalStateException("no reason given")
                : info.getException().deserializeError(EmbeddedFlink.class.getClassLoader());
    }

    /** Returns the job's state in Flink's words. */
    public String status() throws InterruptedException {
        AccessExecutionGraph graph = graph();
        return graph == null ? "UNKNOWN" : graph.getState().name();
    }

    private @Nullable AccessExecutionGraph graph()
            throws InterruptedException {
        try {
            return cluster.getExecutionGraph(job).get();
        } catch (ExecutionException e) {
            return null; // not known yet
        }
    }

    /** Returns where Flink's REST interface listens. */
    public URI rest() {
        return cluster.getRestAddress().join();
    }

    public JobID job() {
        return job;
    }

    /** Completes a checkpoint now, so that a start from it has least to repeat. */
    public void checkpoint(Duration timeout) throws InterruptedException {
        try {
            cluster.triggerCheckpoint(job).get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            log.warn("no checkpoint at the end, the next start repeats more: {}", e.toString());
        }
    }

    /** Cancels the job and waits for its end. */
    public void cancelJob() throws InterruptedException {
        try {
            cluster.cancelJob(job).get(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            cluster.requestJobResult(job).get(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            log.debug("job was over already, or will be with the cluster: {}", e.toString());
        }
    }

    @Override
    public void close() {
        try {
            cancelJob();
            cluster.closeAsync().get(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            log.warn("cluster did not stop in order: {}", e.toString());
        }
    }
}
