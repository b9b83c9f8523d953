package dev.flywheel.app.config;

import java.time.Duration;

/** What clients of the HTTP port may take; the rest of its limits are those of the gRPC port. */
public record HttpLimits(int connectionsMax, Duration requestTimeout, Duration idleTimeout) {
    public HttpLimits {
        Check.within("http.connections_max", connectionsMax, 1, 100_000);
        Check.positive("http.request_timeout", requestTimeout);
        Check.positive("http.idle_timeout", idleTimeout);
    }
}
