package dev.flywheel.serving.adapter;

import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Computes the probe fingerprint of a staged version on a pass of its own, as a step of the device's
 * loop. One thread at a time; owns the pass and its small cache.
 */
final class VersionProbe implements AutoCloseable {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 64;

    private final BaseModel base;
    private final DeviceLoop device;
    private final KvCache cache;
    private final ForwardPass pass;

    VersionProbe(BaseModel base, AdapterSlots slots, DeviceLoop device) {
        this.base = base;
        this.device = device;
        this.cache = new KvCache(base, Probe.cacheBlocks(BLOCK_TOKENS), BLOCK_TOKENS);
        this.pass = new ForwardPass(base, slots, cache, ROWS_MAX);
    }

    Probe take(int slot) {
        AtomicReference<Probe> taken = new AtomicReference<>();
        device.step(() -> taken.set(Probe.run(pass, cache, base.spec().vocabSize(), slot)));
        return taken.get();
    }

    String backend() {
        return base.backend().fingerprint();
    }

    @Override
    public void close() {
        pass.close();
        cache.close();
    }
}
