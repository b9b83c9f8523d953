package dev.flywheel.app.page;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Figures of one moment; null is what this process does not measure, or what did not happen.
 *
 * @param sequence counts samples, from 1
 * @param atMillis when, milliseconds since 1970: the time of the start and a monotonic clock since
 * @param requests answered and refused, a second since the sample before
 * @param tokens read by forward passes, a second
 * @param feedback acknowledged, a second
 * @param rounds ended by the gate, a second
 * @param kvUse share of the cache's blocks that is held
 * @param delayMedian from feedback until it is served, seconds, of what came since the sample before
 * @param taken share of shown items that users took, by adapter, newest closed window
 * @param foretold the same as the verdicts had it
 */
record Sample(
        long sequence,
        long atMillis,
        @Nullable Double requests,
        @Nullable Double tokens,
        @Nullable Double feedback,
        @Nullable Double rounds,
        @Nullable Double kvUse,
        @Nullable Double running,
        @Nullable Double waiting,
        @Nullable Double delayMedian,
        @Nullable Double delayP99,
        @JsonIgnore Map<String, Double> taken,
        @JsonIgnore Map<String, Double> foretold) {}
