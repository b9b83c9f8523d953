package dev.flywheel.serving.settings;

import java.time.Duration;

/**
 * What is kept and done so that another version answers at once.
 *
 * @param hostBytesMax weights of versions in the host's memory, bytes; 0: none
 * @param warmTokensMax tokens of shared beginnings that a new version reads before requests get it; 0: none
 * @param warmTimeMax for how long a version is kept back for that
 */
public record SwapSettings(long hostBytesMax, int warmTokensMax, Duration warmTimeMax) {
    public SwapSettings {
        Checks.atLeast("host_bytes_max", hostBytesMax, 0);
        Checks.atLeast("warm_tokens_max", warmTokensMax, 0);
        Checks.positive("warm_time_max", warmTimeMax);
    }

    public static SwapSettings defaults() {
        return new SwapSettings(256L << 20, 256, Duration.ofMillis(50));
    }
}
