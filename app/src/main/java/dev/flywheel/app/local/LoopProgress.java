package dev.flywheel.app.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.app.audit.JobFigures;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.pipelines.LoopJob;
import dev.flywheel.pipelines.metric.LoopMetrics;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;

/**
 * Measures how much feedback is still on its way, over Flink's REST interface and the broker's offsets; it needs no part of
 * the job in its own process. Thread-safe; the caller closes it.
 */
public final class LoopProgress implements JobFigures.Source {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    /** Stages that hand feedback on, and those that receive it: what is handed on and not received yet is on the wire. */
    private record Hop(List<String> from, List<String> to) {}

    private static final List<Hop> HOPS = List.of(
            new Hop(List.of(LoopMetrics.FEEDBACK_INTAKE), List.of(LoopMetrics.ATTRIBUTION)),
            // Pairs gets some of what attribution hands on, and hands it on to the guard.
            new Hop(List.of(LoopMetrics.ATTRIBUTION, LoopMetrics.PAIRS),
                    List.of(LoopMetrics.PAIRS, LoopMetrics.GUARD)),
            new Hop(List.of(LoopMetrics.GUARD), List.of(LoopMetrics.CROWD_GUARD)),
            new Hop(List.of(LoopMetrics.CROWD_GUARD), List.of(LoopMetrics.EVALUATION)),
            new Hop(List.of(LoopMetrics.EVALUATION), List.of(LoopMetrics.ROUND_DRIVER)));

    private static final List<String> STAGES =
            HOPS.stream()
                    .flatMap(hop -> Stream.concat(hop.from().stream(), hop.to().stream()))
                    .distinct()
                    .toList();

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final URI job;
    private final Topics topics;
    private final Admin admin;
    private volatile Map<String, Long> refused = Map.of();

    /**
     * @param rest Flink's REST address
     * @param job the job's id
     */
    public LoopProgress(URI rest, String job, String brokers, Topics topics) {
        this.job = rest.resolve("/jobs/" + job);
        this.topics = topics;
        this.admin = Admin.create(Map.of("bootstrap.servers", brokers));
    }

    /** Looks at the loop's job that runs on a cluster, as of now. */
    public static LoopProgress ofRunningJob(URI rest, String brokers, Topics topics) {
        try (LoopProgress any = new LoopProgress(rest, "overview", brokers, topics)) {
            for (JsonNode job : any.get("").path("jobs")) {
                if (job.path("name").asText().equals(LoopJob.NAME)
                        && job.path("state").asText().equals("RUNNING")) {
                    return new LoopProgress(rest, job.path("jid").asText(), brokers, topics);
                }
            }
            throw new StartException("no job %s runs at %s".formatted(LoopJob.NAME, rest));
        } catch (IOException e) {
            throw new StartException("Flink at %s does not answer (%s); give its REST address"
                    .formatted(rest, e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while Flink was asked", e);
        }
    }

    /**
     * Feedback that has no end yet.
     *
     * @param lag records of the feedback topic, up to given ends, that the job has not taken
     * @param onTheWire events between two stages
     * @param held events in the stages' state, buffers and rounds in flight
     * @param asOfMillis when the oldest of the figures was read
     */
    public record Pending(long lag, long onTheWire, long held, long asOfMillis) {
        public long total() {
            return lag + onTheWire + held;
        }
    }

    /** How often Flink has started the job again. */
    public long restarts() throws IOException, InterruptedException {
        long restarts = 0;
        for (JsonNode metric : get("/metrics?get=numRestarts")) {
            restarts = metric.path("value").asLong();
        }
        return restarts;
    }

    /**
     * Measures; empty while the job does not report all of it, as in its first moments.
     *
     * <p>The job's figures are some 100 ms old, longer on a busy machine, and heartbeats go on without end: the newest ends of
     * the topic would always be some heartbeats ahead, and look like feedback that is never taken.
     *
     * @param ends offset, by partition of the feedback topic, up to which records count
     */
    public Optional<Pending> measure(Map<Integer, Long> ends)
            throws IOException, InterruptedException {
        return figures().map(job -> {
            // Not taken at all yet, or not since the restart: then all of it may be left.
            long lag = ends.entrySet()
                    .stream()
                    .mapToLong(end -> Math.max(0,
                            end.getValue() - job.positions().getOrDefault(end.getKey(), 0L)))
                    .sum();
            return new Pending(lag, job.onTheWire(), job.held(), job.asOfMillis());
        });
    }

    @Override
    public Optional<JobFigures> figures() throws IOException, InterruptedException {
        Map<String, List<Map<String, Long>>> figures = new HashMap<>();
        for (JsonNode vertex : get("").path("vertices")) {
            read(vertex.path("id").asText(), figures);
        }
        if (!STAGES.stream().allMatch(stage -> reports(figures, stage))) {
            return Optional.empty();
        }
        refused = refused(figures);
        long held = STAGES.stream()
                .mapToLong(stage -> sum(figures, stage, LoopMetrics.HELD_FEEDBACK))
                .sum();
        long asOf = figures.values()
                .stream()
                .flatMap(List::stream)
                .filter(each -> each.containsKey(LoopMetrics.AS_OF))
                .mapToLong(each -> each.get(LoopMetrics.AS_OF))
                .min()
                .orElse(0);
        return Optional.of(new JobFigures(positions(figures), onTheWire(figures), held, asOf));
    }

    /** Returns what came again and what was refused, by reason; what is ignored as a repetition and what is refused as one are both. */
    private static Map<String, Long> refused(Map<String, List<Map<String, Long>>> figures) {
        Map<String, Long> refused = new HashMap<>();
        figures.values().stream().flatMap(List::stream).forEach(task -> task.forEach((name, n) -> {
            if (name.startsWith(LoopMetrics.REFUSED)) {
                refused.merge(name.substring(LoopMetrics.REFUSED.length()), n, Long::sum);
            } else if (name.equals(LoopMetrics.REPEATED)) {
                refused.merge(ReasonNames.of(RefusalReason.REFUSAL_REASON_DUPLICATE), n, Long::sum);
            }
        }));
        return refused;
    }

    /** What the job has come to so far; what was refused is as of the last {@link #figures}. */
    JobOutcomes outcomes() throws IOException, InterruptedException {
        return new JobOutcomes(refused,
                Map.of(JobMeters.FEEDBACK, sum(ends(topics.deadFeedback())), JobMeters.IMPRESSION,
                        sum(ends(topics.deadImpression()))),
                get("/checkpoints").path("latest").path("completed").path("id").asLong());
    }

    private static long sum(Map<Integer, Long> ends) {
        return ends.values().stream().mapToLong(Long::longValue).sum();
    }

    private static Map<Integer, Long> positions(Map<String, List<Map<String, Long>>> figures) {
        Map<Integer, Long> positions = new HashMap<>();
        figures.getOrDefault(LoopMetrics.FEEDBACK_INTAKE, List.of())
                .forEach(task -> task.forEach((name, value) -> {
                    if (name.startsWith(LoopMetrics.POSITION)) {
                        positions.merge(
                                Integer.valueOf(name.substring(LoopMetrics.POSITION.length())),
                                value, Math::max);
                    }
                }));
        return positions;
    }

    /** Returns what each adapter's newest closed window of evaluation came to, as far as the job reports it. */
    public EvaluationReport evaluations() throws IOException, InterruptedException {
        EvaluationFigures found = new EvaluationFigures();
        for (JsonNode vertex : get("").path("vertices")) {
            if (vertex.path("name").asText().contains(LoopMetrics.EVALUATION)) {
                readEvaluations("/vertices/" + vertex.path("id").asText() + "/metrics", found);
            }
        }
        return found.report();
    }

    private void readEvaluations(String metrics, EvaluationFigures found)
            throws IOException, InterruptedException {
        List<String> names = new ArrayList<>();
        get(metrics).forEach(metric -> names.add(metric.path("id").asText()));
        names.removeIf(name -> !EvaluationFigures.ours(name));
        for (List<String> some : inBatches(names)) {
            String wanted =
                    some.stream().map(LoopProgress::encoded).collect(Collectors.joining(","));
            for (JsonNode metric : get(metrics + "?get=" + wanted)) {
                found.add(metric.path("id").asText(), metric.path("value").asText());
            }
        }
    }

    /**
     * Waits until nothing of what the topic holds now is pending, as seen by figures that were all read after this call.
     *
     * @return the last measure; its total is above zero if time ran out
     */
    public Pending awaitDrained(Duration timeout) throws IOException, InterruptedException {
        Map<Integer, Long> ends = ends();
        long since = System.currentTimeMillis();
        long deadline = System.nanoTime() + timeout.toNanos();
        Pending last = new Pending(Long.MAX_VALUE, 0, 0, 0);
        while (System.nanoTime() - deadline < 0) {
            last = measure(ends).orElse(last);
            if (last.total() == 0 && last.asOfMillis() >= since) {
                return last;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        return last;
    }

    private static boolean reports(Map<String, List<Map<String, Long>>> figures, String stage) {
        List<Map<String, Long>> tasks = figures.getOrDefault(stage, List.of());
        return !tasks.isEmpty()
                && tasks.stream().allMatch(task -> task.containsKey(LoopMetrics.AS_OF));
    }

    private static long onTheWire(Map<String, List<Map<String, Long>>> figures) {
        long total = 0;
        for (Hop hop : HOPS) {
            // The two are not read in the same instant; a hop that seems to have less than nothing has nothing.
            total += Math.max(0, sum(figures, hop.from(), LoopMetrics.HANDED_ON)
                    - sum(figures, hop.to(), LoopMetrics.RECEIVED));
        }
        return total;
    }

    private static long sum(Map<String, List<Map<String, Long>>> figures, List<String> stages,
            String name) {
        return stages.stream().mapToLong(stage -> sum(figures, stage, name)).sum();
    }

    private static long sum(Map<String, List<Map<String, Long>>> figures, String stage,
            String name) {
        return figures.getOrDefault(stage, List.of())
                .stream()
                .mapToLong(task -> task.getOrDefault(name, 0L))
                .sum();
    }

    /** Adds what each subtask of a vertex reports, by stage. */
    private void read(String vertex, Map<String, List<Map<String, Long>>> figures)
            throws IOException, InterruptedException {
        List<String> names = new ArrayList<>();
        for (JsonNode metric : get("/vertices/" + vertex + "/metrics")) {
            String id = metric.path("id").asText();
            if (STAGES.stream().anyMatch(stage -> ours(id, stage))) {
                names.add(id);
            }
        }
        Map<String, Map<String, Long>> bySubtask = new HashMap<>();
        for (List<String> some : inBatches(names)) {
            String wanted =
                    some.stream().map(LoopProgress::encoded).collect(Collectors.joining(","));
            for (JsonNode metric : get("/vertices/" + vertex + "/metrics?get=" + wanted)) {
                add(metric, bySubtask);
            }
        }
        bySubtask.forEach((task, values) -> figures
                .computeIfAbsent(task.substring(task.indexOf('.') + 1), stage -> new ArrayList<>())
                .add(values));
    }

    /** {@code <subtask>.<stage>.<name>}. */
    private static boolean ours(String id, String stage) {
        int dot = id.indexOf('.');
        return dot > 0 && id.startsWith(stage + ".", dot + 1)
                && id.indexOf('.', dot + stage.length() + 2) < 0;
    }

    private static void add(JsonNode metric, Map<String, Map<String, Long>> bySubtask) {
        String id = metric.path("id").asText();
        int last = id.lastIndexOf('.');
        bySubtask.computeIfAbsent(id.substring(0, last), task -> new HashMap<>())
                .put(id.substring(last + 1), metric.path("value").asLong());
    }

    private static List<List<String>> inBatches(List<String> names) {
        List<List<String>> batches = new ArrayList<>();
        for (int from = 0; from < names.size(); from += 40) {
            batches.add(names.subList(from, Math.min(names.size(), from + 40)));
        }
        return batches;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(job + path)).timeout(TIMEOUT).build();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(
                    "Flink answered %d to %s: %s".formatted(response.statusCode(), request.uri(),
                            response.body()));
        }
        return JSON.readTree(response.body());
    }

    /** Returns where each partition of the feedback topic ends now: the offset of the record to come. */
    public Map<Integer, Long> ends() throws IOException, InterruptedException {
        return ends(topics.feedback());
    }

    private Map<Integer, Long> ends(String name) throws IOException, InterruptedException {
        try {
            TopicDescription topic = Objects.requireNonNull(
                    admin.describeTopics(List.of(name))
                            .allTopicNames()
                            .get()
                            .get(name),
                    "the topic that was asked for");
            Map<TopicPartition, OffsetSpec> latest = topic.partitions()
                    .stream()
                    .collect(Collectors.toMap(
                            each -> new TopicPartition(name, each.partition()),
                            each -> OffsetSpec.latest()));
            Map<Integer, Long> ends = new HashMap<>();
            for (Map.Entry<TopicPartition, ListOffsetsResultInfo> end : admin.listOffsets(latest)
                    .all()
                    .get()
                    .entrySet()) {
                ends.put(end.getKey().partition(), end.getValue().offset());
            }
            return ends;
        } catch (ExecutionException e) {
            throw new IOException("the broker does not tell the ends of " + name, e);
        }
    }

    @Override
    public void close() {
        admin.close(TIMEOUT);
        http.close();
    }
}
