package dev.flywheel.app.audit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The job in a node's own process, asked by way of the node: {@code GET /pending} beside its metrics. Thread-safe; the caller
 * closes it.
 */
public final class NodeJob implements JobFigures.Source {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final URI address;

    /** @param metrics address that the node's metrics are scraped from */
    public NodeJob(URI metrics) {
        this.address = metrics.resolve("/pending");
    }

    @Override
    public Optional<JobFigures> figures() throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(address).timeout(TIMEOUT).build();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            return Optional.empty();
        }
        return Optional.of(read(JSON.readTree(response.body())));
    }

    /** Returns what a node answers. */
    public static String text(JobFigures figures) throws IOException {
        return JSON.writeValueAsString(figures);
    }

    private static JobFigures read(JsonNode answer) {
        Map<Integer, Long> positions = new HashMap<>();
        answer.path("positions")
                .properties()
                .forEach(each -> positions.put(Integer.valueOf(each.getKey()),
                        each.getValue().asLong()));
        return new JobFigures(positions, answer.path("onTheWire").asLong(),
                answer.path("held").asLong(), answer.path("asOfMillis").asLong());
    }

    @Override
    public void close() {
        http.close();
    }
}
