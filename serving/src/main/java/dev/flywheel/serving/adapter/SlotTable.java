package dev.flywheel.serving.adapter;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.engine.lora.AdapterSlots;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which versions lie in the device's slots.
 *
 * <p>A version stays until its slot is needed, so that going back to it costs nothing. A new version
 * takes a free slot, else that of an unleased version: first one that no alias wants, the longest
 * unused of several. Leased versions are never touched; while all are leased, new ones wait.
 *
 * <p>Thread-safe. Pinning and unpinning take no lock unless a version waits for a slot.
 */
final class SlotTable {
    private final AdapterSlots slots;
    private final LongSupplier nanos;
    private final Map<VersionKey, Resident> residents = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    private final AtomicInteger waiting = new AtomicInteger();

    SlotTable(AdapterSlots slots, LongSupplier nanos) {
        this.slots = slots;
        this.nanos = nanos;
    }

    @Nullable
    Resident find(VersionKey key) {
        return residents.get(key);
    }

    /**
     * Returns a lease, or null if the version has been evicted.
     *
     * @param adapter as it stands now
     * @param over runs when the lease ends
     */
    @Nullable
    Lease tryLease(Resident resident, AdapterRecord adapter, Runnable over) {
        return resident.tryPin(nanos.getAsLong())
                ? new Lease(resident.ref(), adapter, resident.slot(), () -> {
                    unpin(resident);
                    over.run();
                })
                : null;
    }

    /**
     * Puts weights into a slot; null if all slots stayed leased for so long. The slot is the caller's
     * until it is handed to {@link #add} or {@link #give}.
     */
    @Nullable
    Integer stage(LoraWeights weights, Predicate<VersionKey> wanted, long waitNanos)
            throws InterruptedException {
        long left = waitNanos;
        lock.lock();
        try {
            // Before looking at the pins: who unpins after that look sees the count and signals.
            waiting.incrementAndGet();
            while (slots.freeSlots() == 0 && !evictOne(wanted)) {
                if (left <= 0) {
                    return null;
                }
                left = released.awaitNanos(left);
            }
            return slots.stage(weights);
        } finally {
            waiting.decrementAndGet();
            lock.unlock();
        }
    }

    /** Makes a staged version available to leases. */
    void add(Resident resident) {
        resident.arrived(nanos.getAsLong());
        residents.put(resident.key(), resident);
    }

    /** Gives back a staged slot whose version is not to be served. */
    void give(int slot) {
        slots.free(slot);
    }

    boolean hasFree() {
        return slots.freeSlots() > 0;
    }

    List<Resident> residents() {
        return List.copyOf(residents.values());
    }

    private boolean evictOne(Predicate<VersionKey> wanted) {
        List<Resident> order = residents.values()
                .stream()
                .sorted(Comparator.<Resident, Boolean>comparing(each -> wanted.test(each.key()))
                        .thenComparingLong(Resident::usedAt))
                .toList();
        for (Resident each : order) {
            if (each.tryEvict()) {
                residents.remove(each.key());
                slots.free(each.slot());
                return true;
            }
        }
        return false;
    }

    private void unpin(Resident resident) {
        if (resident.unpin() == 0 && waiting.get() > 0) {
            lock.lock();
            try {
                released.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
