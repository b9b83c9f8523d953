package dev.flywheel.serving.settings;

import java.time.Duration;
import java.util.Optional;

/**
 * Limits of the servers. A client can make the node keep no more than these.
 *
 * @param host address to listen on
 * @param port 0 means any free one
 * @param adminPort the same for the port of administration, which listens on loopback alone
 * @param tls certificate and key of this server; without them the public port is not encrypted
 * @param http the HTTP server beside the gRPC server
 * @param messageBytesMax one inbound message
 * @param metadataBytesMax headers of one call
 * @param connectionsMax connections of the gRPC ports at once; more are closed as they come
 * @param connectionIdleTimeout how long a connection may stay without a call
 * @param callsPerConnectionMax calls at once on one connection
 * @param resetsPerWindowMax stream resets of one connection in {@code resetWindow}; more close it
 * @param keepAliveMin pings more frequent than this close the connection
 * @param drainTimeout how long calls may go on once the node stops
 * @param reflection whether clients may ask for the services' descriptions
 */
public record TransportSettings(
        String host,
        int port,
        int adminPort,
        Optional<TlsFiles> tls,
        HttpSettings http,
        int messageBytesMax,
        int metadataBytesMax,
        int connectionsMax,
        Duration connectionIdleTimeout,
        int callsPerConnectionMax,
        int resetsPerWindowMax,
        Duration resetWindow,
        Duration keepAliveMin,
        Duration drainTimeout,
        boolean reflection) {
    public TransportSettings {
        Checks.within("port", port, 0, 65_535);
        Checks.within("admin_port", adminPort, 0, 65_535);
        Checks.atLeast("message_bytes_max", messageBytesMax, 1024);
        Checks.atLeast("metadata_bytes_max", metadataBytesMax, 1024);
        Checks.atLeast("connections_max", connectionsMax, 1);
        Checks.positive("connection_idle_timeout", connectionIdleTimeout);
        Checks.atLeast("calls_per_connection_max", callsPerConnectionMax, 1);
        Checks.atLeast("resets_per_window_max", resetsPerWindowMax, 1);
        Checks.positive("reset_window", resetWindow);
        Checks.positive("keep_alive_min", keepAliveMin);
        Checks.positive("drain_timeout", drainTimeout);
    }

    /** Any free port on loopback. */
    public static TransportSettings defaults() {
        return new TransportSettings("127.0.0.1", 0, 0, Optional.empty(),
                HttpSettings.defaults(), 4 << 20, 8 << 10, 4096, Duration.ofMinutes(5), 256,
                200,
                Duration.ofSeconds(30), Duration.ofSeconds(10), Duration.ofSeconds(10), true);
    }

    public TransportSettings withTls(TlsFiles files) {
        return new TransportSettings(host, port, adminPort, Optional.of(files), http,
                messageBytesMax,
                metadataBytesMax, connectionsMax, connectionIdleTimeout, callsPerConnectionMax,
                resetsPerWindowMax, resetWindow, keepAliveMin, drainTimeout, reflection);
    }

    public TransportSettings withHttp(HttpSettings other) {
        return new TransportSettings(host, port, adminPort, tls, other, messageBytesMax,
                metadataBytesMax, connectionsMax, connectionIdleTimeout, callsPerConnectionMax,
                resetsPerWindowMax, resetWindow, keepAliveMin, drainTimeout, reflection);
    }

    public TransportSettings withPort(int other) {
        return new TransportSettings(host, other, adminPort, tls, http, messageBytesMax,
                metadataBytesMax, connectionsMax, connectionIdleTimeout, callsPerConnectionMax,
                resetsPerWindowMax, resetWindow, keepAliveMin, drainTimeout, reflection);
    }
}
