package dev.flywheel.serving.adapter;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.VersionRef;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A request's claim on one version: as long as it is open, the version's weights stay in their slot. With it comes how the
 * adapter was configured at that moment, which the whole request goes by.
 *
 * <p>Held from before the request is tokenized until its last token; closing twice does nothing.
 * Thread-safe.
 */
public final class Lease implements AutoCloseable {
    private final VersionRef version;
    private final AdapterRecord adapter;
    private final int slot;
    private final Runnable release;
    private final AtomicBoolean closed = new AtomicBoolean();

    Lease(VersionRef version, AdapterRecord adapter, int slot, Runnable release) {
        this.version = version;
        this.adapter = adapter;
        this.slot = slot;
        this.release = release;
    }

    /** Returns what answers: number and digest of the version, or the bare base model. */
    public VersionRef version() {
        return version;
    }

    /** Returns the adapter as it stood when it was leased; nothing is set of the bare base model. */
    public AdapterRecord adapter() {
        return adapter;
    }

    /** Returns the slot of the version's weights, -1 for the bare base model. */
    public int slot() {
        return slot;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            release.run();
        }
    }
}
