package dev.flywheel.app.local;

import java.util.List;
import java.util.stream.Stream;

/**
 * Where a running node is reached.
 *
 * @param grpc host and port of flywheel.v1, health and reflection
 * @param http host and port of the OpenAI-compatible interface; empty if it is off
 * @param admin host and port of administration
 * @param kafka bootstrap servers of the broker in the process
 * @param metrics address that Prometheus scrapes
 * @param console address of the page for people
 */
public record Endpoints(
        String grpc,
        String http,
        String admin,
        String kafka,
        String impressionTopic,
        String feedbackTopic,
        String metrics,
        String console) {
    /** Returns them for people, a line each. */
    public List<String> lines() {
        return Stream.of(
                "gRPC     %s  (flywheel.v1, health, reflection)".formatted(grpc),
                http.isEmpty() ? "" : "HTTP     %s  (OpenAI-compatible, /v1)".formatted(http),
                "admin    %s  (flywheel.v1.Registry)".formatted(admin),
                "Kafka    %s  (%s, %s)".formatted(kafka, impressionTopic, feedbackTopic),
                "metrics  %s".formatted(metrics),
                "console  %s".formatted(console))
                .filter(line -> !line.isEmpty())
                .toList();
    }
}
