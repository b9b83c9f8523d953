package dev.flywheel.app.config;

import java.time.Duration;

/** The page for people, at the address of the metrics. */
public record ConsoleConfig(
        Duration interval,
        int samplesMax,
        Duration adaptersAge,
        int ancestorsMax,
        int requestsMax) {
    public ConsoleConfig {
        Check.atLeast("console.interval", interval, Duration.ofMillis(100));
        Check.within("console.samples_max", samplesMax, 2, 100_000);
        Check.atMostTenYears("console.adapters_age", adaptersAge);
        Check.within("console.ancestors_max", ancestorsMax, 1, 1_000);
        Check.within("console.requests_max", requestsMax, 1, 10_000);
    }
}
