package dev.flywheel.serving.adapter;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.VersionRef;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A verified version in a slot of the device, and how many hold it.
 *
 * <p>Invariant: the count starts at one, which is the table's own; it reaches zero once, by {@link
 * #tryEvict}, and never rises again. As long as it is above zero the slot holds this version's weights.
 * Thread-safe without locks.
 */
final class Resident {
    private final VersionKey key;
    private final VersionRef ref;
    private final int slot;
    private final AtomicInteger pins = new AtomicInteger(1);
    private volatile long usedAt;

    Resident(VersionKey key, VersionRef ref, int slot) {
        this.key = key;
        this.ref = ref;
        this.slot = slot;
    }

    VersionKey key() {
        return key;
    }

    VersionRef ref() {
        return ref;
    }

    int slot() {
        return slot;
    }

    /** Pins the version unless it has been evicted. */
    boolean tryPin(long now) {
        if (pins.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
            return false;
        }
        usedAt = now;
        return true;
    }

    /** Counts as used when it comes, so that it does not go before whoever asked for it has pinned it. */
    void arrived(long now) {
        usedAt = now;
    }

    /** Gives one pin back and returns how many leases are left. */
    int unpin() {
        int left = pins.decrementAndGet();
        assert left > 0 : key + " was unpinned more often than pinned";
        return left - 1;
    }

    /** Takes the version off the table if nobody leases it. */
    boolean tryEvict() {
        return pins.compareAndSet(1, 0) || Failpoints.broken("pin") && pins.getAndSet(0) > 0;
    }

    int leases() {
        return Math.max(0, pins.get() - 1);
    }

    long usedAt() {
        return usedAt;
    }
}
