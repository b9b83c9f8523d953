package dev.flywheel.serving.settings;

import java.time.Duration;

/**
 * Limits of the HTTP server; those of messages, headers, draining and stalled readers are gRPC's.
 *
 * @param port 0 means any free one, {@link #OFF} no HTTP server
 * @param connectionsMax connections at once, each with one request at a time; more are closed
 * @param requestTimeout how long a request may take to come in whole
 * @param idleTimeout how long a connection may stay without a request
 */
public record HttpSettings(
        int port,
        int connectionsMax,
        Duration requestTimeout,
        Duration idleTimeout) {
    /** The port of a server that there is not to be. */
    public static final int OFF = -1;

    public HttpSettings {
        Checks.within("http_port", port, OFF, 65_535);
        Checks.atLeast("connections_max", connectionsMax, 1);
        Checks.positive("request_timeout", requestTimeout);
        Checks.positive("idle_timeout", idleTimeout);
    }

    /** Any free port. */
    public static HttpSettings defaults() {
        return new HttpSettings(0, 256, Duration.ofSeconds(20), Duration.ofSeconds(60));
    }
}
