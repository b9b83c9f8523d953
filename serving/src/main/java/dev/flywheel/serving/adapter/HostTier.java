package dev.flywheel.serving.adapter;

import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Versions in the host's memory that have proven themselves on this node: bringing one back into a slot takes a copy, no fetch, no
 * checks and no step of the device.
 *
 * <p>Holds so many bytes of weights and forgets the longest unused; what is larger by itself is not kept. Written by one thread;
 * {@link #bytes} may be read by any.
 */
final class HostTier {
    private final long bytesMax;
    private final LinkedHashMap<VersionKey, LoraWeights> kept =
            new LinkedHashMap<>(16, 0.75f, true);
    private volatile long bytes;

    /** @param bytesMax 0: nothing is kept */
    HostTier(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    @Nullable
    LoraWeights find(VersionKey key) {
        return kept.get(key);
    }

    /** Keeps weights that were verified and probed. */
    void keep(VersionKey key, LoraWeights weights) {
        long size = sizeOf(weights);
        if (size > bytesMax || kept.containsKey(key)) {
            return;
        }
        kept.put(key, weights);
        long held = bytes + size;
        for (Iterator<Map.Entry<VersionKey, LoraWeights>> oldest =
                kept.entrySet().iterator(); held > bytesMax;) {
            held -= sizeOf(oldest.next().getValue());
            oldest.remove();
        }
        bytes = held;
    }

    long bytes() {
        return bytes;
    }

    private static long sizeOf(LoraWeights weights) {
        long floats = 0;
        for (LoraPair pair : weights.pairs().values()) {
            floats += pair.a().length + pair.b().length;
        }
        return floats * Float.BYTES;
    }
}
