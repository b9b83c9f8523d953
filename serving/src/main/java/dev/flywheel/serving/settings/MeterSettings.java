package dev.flywheel.serving.settings;

import java.time.Duration;

/**
 * How a node measures itself.
 *
 * @param adaptersMax adapters that have series of their own
 * @param refresh how often is looked at what cannot be counted as it happens
 */
public record MeterSettings(int adaptersMax, Duration refresh) {
    public MeterSettings {
        Checks.atLeast("adapters_max", adaptersMax, 1);
        Checks.positive("refresh_interval", refresh);
    }

    public static MeterSettings defaults() {
        return new MeterSettings(100, Duration.ofSeconds(1));
    }
}
