package dev.flywheel.app.bench.serving;

import dev.flywheel.app.local.LocalNode;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** What hot swaps do to answers: whether any is wrong, and whether any waits. */
public final class SwapBench {
    private final LocalNode node;
    private final LongSupplier nanos;
    private final long seed;

    /** @param nanos a monotonic clock */
    public SwapBench(LocalNode node, long seed, LongSupplier nanos) {
        this.node = node;
        this.seed = seed;
        this.nanos = nanos;
    }

    /**
     * Measures.
     *
     * @param fast swaps between two versions, one after the other
     * @param slow new versions, one every ten seconds
     * @param fastProgress is told how many of the one kind are done
     * @param slowProgress and of the other
     */
    public SwapReport run(int fast, int slow, LongConsumer fastProgress,
            LongConsumer slowProgress) throws InterruptedException {
        SwapReport.Fast swaps = new FastSwaps(node, nanos).run(fast, seed, fastProgress);
        return SwapReport.of(swaps, new SlowSwaps(node, nanos).run(slow, seed + 100, slowProgress));
    }
}
