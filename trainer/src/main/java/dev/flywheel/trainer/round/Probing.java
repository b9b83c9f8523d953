package dev.flywheel.trainer.round;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;

/** Runs probes the way serving does: through a slot, a paged cache and the forward pass. */
final class Probing implements AutoCloseable {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 32;

    private final BaseModel base;
    private final DeviceLoop loop;
    private final AdapterSlots slots;
    private final KvCache cache;
    private final ForwardPass pass;
    private final Probe ofBase;

    Probing(BaseModel base, DeviceLoop loop, int rankMax) {
        this.base = base;
        this.loop = loop;
        this.slots = new AdapterSlots(base, 1, rankMax);
        this.cache = new KvCache(base, Probe.cacheBlocks(BLOCK_TOKENS), BLOCK_TOKENS);
        this.pass = new ForwardPass(base, slots, cache, ROWS_MAX);
        this.ofBase = run(AdapterSlots.BASE);
    }

    Probe ofBase() {
        return ofBase;
    }

    /**
     * @throws IllegalArgumentException if the weights do not fit the base model or the slot
     */
    Probe of(LoraWeights weights) {
        int slot = slots.stage(weights);
        try {
            return run(slot);
        } finally {
            slots.free(slot);
        }
    }

    @Override
    public void close() {
        pass.close();
        cache.close();
        slots.close();
    }

    private Probe run(int slot) {
        AtomicReference<Probe> probe = new AtomicReference<>();
        loop.slice(() -> probe.set(Probe.run(pass, cache, base.spec().vocabSize(), slot)));
        return Objects.requireNonNull(probe.get());
    }
}
