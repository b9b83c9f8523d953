package dev.flywheel.store.rpc;

import dev.flywheel.store.core.Limits;

/** What the two services share: the memory that blobs on their way in and out may take. */
public final class Transfers {
    private final Budget budget;

    public Transfers(Limits limits) {
        this.budget = new Budget(limits.uploadBytesMax());
    }

    Budget budget() {
        return budget;
    }

    /** Bytes held now; 0 when no blob is on its way. */
    public long bytesHeld() {
        return budget.taken();
    }
}
