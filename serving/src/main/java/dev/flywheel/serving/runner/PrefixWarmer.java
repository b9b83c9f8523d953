package dev.flywheel.serving.runner;

import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.adapter.Warming;
import dev.flywheel.serving.settings.SwapSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the most shared beginnings with a new version before requests get it, beside whatever else is answered. What takes longer than
 * allowed goes on after the swap.
 */
public final class PrefixWarmer implements Warming {
    private final EngineLoop loop;
    private final SwapSettings settings;
    private final LongSupplier nanos;

    /** @param nanos the loop's monotonic clock */
    public PrefixWarmer(EngineLoop loop, SwapSettings settings, LongSupplier nanos) {
        this.loop = loop;
        this.settings = settings;
        this.nanos = nanos;
    }

    @Override
    public void warm(String adapter, Supplier<@Nullable Lease> leases)
            throws InterruptedException {
        long until = nanos.getAsLong() + settings.warmTimeMax().toNanos();
        int left = settings.warmTokensMax();
        List<CompletableFuture<Boolean>> reading = new ArrayList<>();
        for (HotPrefixes.Prefix prefix : loop.shared(adapter)) {
            left -= prefix.tokens().size();
            Lease lease = left < 0 ? null : leases.get();
            if (lease == null) {
                break;
            }
            reading.add(begin(prefix, lease, until));
        }
        await(CompletableFuture.allOf(reading.toArray(CompletableFuture[]::new)), until);
    }

    private CompletableFuture<Boolean> begin(HotPrefixes.Prefix prefix, Lease lease, long until) {
        // Time for what has begun to be read to its end; a lease must end by itself.
        long deadline = until + settings.warmTimeMax().toNanos();
        PrefixJob job = new PrefixJob(prefix.tenant(),
                prefix.tokens().stream().mapToInt(Integer::intValue).toArray(), lease, deadline);
        loop.submit(job);
        return job.read();
    }

    private void await(CompletableFuture<Void> all, long until) throws InterruptedException {
        try {
            all.get(until - nanos.getAsLong(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            // The version is not kept back for it.
        } catch (ExecutionException e) {
            throw new IllegalStateException("reading a beginning ended by a fault", e);
        }
    }
}
