package dev.flywheel.serving.scheduler;

/**
 * Bounds of the scheduler; each is at least 1.
 *
 * @param stepTokens rows of one forward pass, decode rows and prefill chunks together
 * @param requestsRunningMax requests that hold cache blocks; at most half of {@code stepTokens}, so
 *     that decode rows alone never fill a step
 * @param requestsWaitingMax requests queued for admission
 * @param tokensWaitingMax tokens that the queued requests may cost together
 * @param requestsPerTenantMax requests of one tenant, waiting and running
 * @param blocks blocks of the KV cache
 * @param blockTokens token positions of one block
 */
public record SchedulerLimits(
        int stepTokens,
        int requestsRunningMax,
        int requestsWaitingMax,
        long tokensWaitingMax,
        int requestsPerTenantMax,
        int blocks,
        int blockTokens) {
    public SchedulerLimits {
        requirePositive("stepTokens", stepTokens);
        requirePositive("requestsRunningMax", requestsRunningMax);
        requirePositive("requestsWaitingMax", requestsWaitingMax);
        requirePositive("tokensWaitingMax", tokensWaitingMax);
        requirePositive("requestsPerTenantMax", requestsPerTenantMax);
        requirePositive("blocks", blocks);
        requirePositive("blockTokens", blockTokens);
        if (requestsRunningMax > Math.max(1, stepTokens / 2)) {
            throw new IllegalArgumentException("requestsRunningMax is " + requestsRunningMax
                    + ", allowed is at most half of stepTokens (" + stepTokens
                    + "); lower it or raise stepTokens");
        }
    }

    private static void requirePositive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", must be at least 1");
        }
    }
}
