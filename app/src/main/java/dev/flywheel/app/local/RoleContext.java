package dev.flywheel.app.local;

import dev.flywheel.app.config.FlywheelConfig;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;

/**
 * What every role of a process shares.
 *
 * @param name of this node or trainer, in events, figures and logs
 * @param closing takes over what starts
 * @param clock what serving, publishers and store take for the time
 * @param end completes with the reason if the process has to end by itself
 */
record RoleContext(
        FlywheelConfig config,
        String name,
        Closing closing,
        InstantSource clock,
        PrometheusMeterRegistry meters,
        CompletableFuture<String> end) {

    RoleContext(FlywheelConfig config, String name, Closing closing, InstantSource clock) {
        this(config, name, closing, clock, new PrometheusMeterRegistry(PrometheusConfig.DEFAULT),
                new CompletableFuture<>());
    }
}
