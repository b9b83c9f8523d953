package dev.flywheel.app.local;

import java.util.List;

/**
 * Where a running node is reached.
 *
 * @param grpc host and port of flywheel.v1, health and reflection
 * @param admin host and port of administration
 * @param kafka bootstrap servers of the broker in the process
 * @param metrics address that Prometheus scrapes
 * @param console address of the page for people
 */
public record Endpoints(
        String grpc,
        String admin,
        String kafka,
        String impressionTopic,
        String feedbackTopic,
        String metrics,
        String console) {
    /** Returns them for people, a line each. */
    public List<String> lines() {
        return List.of(
                "gRPC     %s  (flywheel.v1, health, reflection)".formatted(grpc),
                "admin    %s  (flywheel.v1.Registry)".formatted(admin),
                "Kafka    %s  (%s, %s)".formatted(kafka, impressionTopic, feedbackTopic),
                "metrics  %s".formatted(metrics),
                "console  %s".formatted(console));
    }
}
