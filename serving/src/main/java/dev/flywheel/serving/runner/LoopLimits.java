package dev.flywheel.serving.runner;

import dev.flywheel.serving.scheduler.SchedulerLimits;
import java.time.Duration;

/**
 * Bounds of the engine loop.
 *
 * @param queueTimeMax a request that would wait for longer than this before it is begun is refused
 * @param sharedTokensMax tokens of beginnings that requests had in common that are remembered
 */
public record LoopLimits(SchedulerLimits scheduler, Duration queueTimeMax, int sharedTokensMax) {}
