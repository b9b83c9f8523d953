package dev.flywheel.app.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.pipelines.LoopSettings;
import dev.flywheel.pipelines.checkpoint.Checkpoints;
import dev.flywheel.pipelines.round.ServerTargets;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobID;
import org.apache.flink.client.deployment.StandaloneClusterId;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.graph.StreamGraph;

/**
 * The loop's job on a Flink cluster of other processes, which have its classes on their class path. Talks to their REST
 * interface alone. Thread-safe; the caller closes it.
 */
public final class RemoteJob implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Duration LOOK = Duration.ofSeconds(3);

    private final FlywheelConfig config;
    private final Topics topics;
    private final String tokenKeys;
    private final Path checkpoints;
    private final Configuration flink;
    private final URI rest;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(LOOK).build();

    /**
     * @param config names broker, store and trainer under {@code processes}
     * @param flink the cluster's own configuration
     * @param checkpoints folder of its checkpoints
     */
    public RemoteJob(FlywheelConfig config, Map<String, String> flink, Path checkpoints,
            Path tokenKeys) {
        this.config = config;
        this.topics = new Topics(config.loop().env());
        this.tokenKeys = tokenKeys.toString();
        this.checkpoints = checkpoints;
        this.flink = Configuration.fromMap(flink);
        this.rest = URI.create(
                "http://" + flink.get("rest.address") + ":" + flink.get("rest.port"));
    }

    /**
     * Submits the job and returns its id; it need not run yet.
     *
     * @param from checkpoint to begin with; without one it reads the topics from their beginning, and the store's claims keep
     *     out what was trained
     */
    public String submit(Optional<Path> from) throws IOException, InterruptedException {
        StreamGraph graph = LoopGraph.of(flink, settings(), from);
        try (RestClusterClient<StandaloneClusterId> client =
                new RestClusterClient<>(flink, StandaloneClusterId.getInstance())) {
            graph.serializeUserDefinedInstances();
            var unused = client.submitJob(graph).get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            return graph.getJobID().toHexString();
        } catch (TimeoutException late) {
            // It may have got there: whoever asks how the job stands will be told.
            return graph.getJobID().toHexString();
        } catch (ExecutionException e) {
            throw new IOException("Flink does not take the job: " + e, e);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            // The client's constructor and close leave no narrower type.
            throw new IOException("Flink does not take the job: " + e, e);
        }
    }

    private LoopSettings settings() {
        FlywheelConfig.Processes processes = config.processes();
        return ModuleSettings.loop(config, processes.broker(), topics,
                new ServerTargets(processes.store(), processes.trainer()), Path.of(tokenKeys));
    }

    /** Returns the newest checkpoint that is complete. */
    public Optional<Path> newestCheckpoint() throws IOException {
        return Checkpoints.newest(checkpoints);
    }

    public void cancel(String job) throws IOException, InterruptedException {
        try (RestClusterClient<StandaloneClusterId> client =
                new RestClusterClient<>(flink, StandaloneClusterId.getInstance())) {
            var unused = client.cancel(JobID.fromHexString(job))
                    .get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            // The client's constructor and close leave no narrower type.
            throw new IOException("job %s cannot be cancelled: %s".formatted(job, e), e);
        }
    }

    /** Returns how many task managers have reported to the job manager. */
    public int taskManagers() throws IOException, InterruptedException {
        return get("/overview").path("taskmanagers").asInt();
    }

    /** How a job stands. */
    public enum Standing {
        /** All of its tasks run. */
        RUNS,
        /** Starts, or starts again. */
        STARTS,
        /** Has ended, or is unknown to the job manager. */
        GONE
    }

    public Standing standing(String job) throws IOException, InterruptedException {
        HttpResponse<String> answer = ask("/jobs/" + job);
        if (answer.statusCode() == 404) {
            return Standing.GONE;
        }
        JsonNode known = parsed(answer);
        String state = known.path("state").asText();
        if (state.equals("FAILED") || state.equals("CANCELED") || state.equals("FINISHED")) {
            return Standing.GONE;
        }
        boolean all = state.equals("RUNNING");
        for (JsonNode vertex : known.path("vertices")) {
            all &= vertex.path("tasks").path("RUNNING").asInt() == vertex.path("parallelism")
                    .asInt();
        }
        return all ? Standing.RUNS : Standing.STARTS;
    }

    /** Measures what is on its way through a job; the caller closes it. */
    public LoopProgress progress(String job) {
        return new LoopProgress(rest, job, config.processes().broker(), topics);
    }

    /** Counts where feedback ended; the caller closes it, and then {@code progress}. */
    public FeedbackAuditor auditor(StoreClient store, LoopProgress progress) {
        return FeedbackAuditor.ofAll(config.processes().broker(), topics, store, progress,
                ModuleSettings.reader(config.loop()));
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        return parsed(ask(path));
    }

    private static JsonNode parsed(HttpResponse<String> answer) throws IOException {
        if (answer.statusCode() != 200) {
            throw new IOException("Flink answered %d to %s: %s".formatted(answer.statusCode(),
                    answer.uri(), answer.body()));
        }
        return JSON.readTree(answer.body());
    }

    private HttpResponse<String> ask(String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(rest.resolve(path)).timeout(LOOK).build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Override
    public void close() {
        http.close();
    }
}
