package dev.flywheel.engine.device;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Shares one device between serving and training: steps go first, slices take what is left (P10).
 *
 * <p>With one lane a single piece of work runs at a time; a slice begins only while no step runs or
 * waits, so a step waits for at most one slice. With two lanes one step and one slice run side by
 * side, for devices with a core for each. Steps never overlap steps, slices never overlap slices.
 *
 * <p>Thread-safe. Work runs on the caller's thread; its exceptions pass through. Waiting ignores
 * interrupts, because a half-run slice would have to be undone; the interrupt stays set.
 */
public final class DeviceLoop {
    private final boolean sideBySide;
    private final LongSupplier nanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition freed = lock.newCondition();

    // All guarded by lock.
    private final Lane serving = new Lane();
    private final Lane training = new Lane();
    private final long startedAt;
    private int waitingSteps;
    private long stepWaitNanos;
    private LongConsumer yields = nanos -> {};

    /**
     * @param lanes 1 or 2
     * @param nanos a monotonic clock, {@code System::nanoTime} outside tests
     */
    public DeviceLoop(int lanes, LongSupplier nanos) {
        if (lanes < 1 || lanes > 2) {
            throw new IllegalArgumentException("lanes must be 1 or 2, got " + lanes);
        }
        this.sideBySide = lanes == 2;
        this.nanos = nanos;
        this.startedAt = nanos.getAsLong();
    }

    /** Names who hears how long a slice waited for its lane, nanoseconds, where it had to; must return at once. */
    public void onYield(LongConsumer listener) {
        lock.lock();
        try {
            yields = listener;
        } finally {
            lock.unlock();
        }
    }

    public int lanes() {
        return sideBySide ? 2 : 1;
    }

    /** Runs one serving step, as soon as whatever holds its lane is done. */
    public void step(Runnable work) {
        lock.lock();
        try {
            requireOutside();
            long askedAt = nanos.getAsLong();
            waitingSteps++;
            while (serving.busy() || (!sideBySide && training.busy())) {
                freed.awaitUninterruptibly();
            }
            waitingSteps--;
            stepWaitNanos += nanos.getAsLong() - askedAt;
            serving.enter(nanos.getAsLong());
        } finally {
            lock.unlock();
        }
        runIn(serving, work);
    }

    /** Runs one short unit of training, once serving leaves a lane for it. */
    public void slice(Runnable work) {
        lock.lock();
        try {
            requireOutside();
            awaitTurn();
            training.enter(nanos.getAsLong());
        } finally {
            lock.unlock();
        }
        runIn(training, work);
    }

    private void awaitTurn() {
        long askedAt = nanos.getAsLong();
        boolean waited = false;
        while (training.busy() || (!sideBySide && (serving.busy() || waitingSteps > 0))) {
            waited = true;
            freed.awaitUninterruptibly();
        }
        if (waited) {
            yields.accept(nanos.getAsLong() - askedAt);
        }
    }

    public DeviceUsage usage() {
        lock.lock();
        try {
            long now = nanos.getAsLong();
            return new DeviceUsage(
                    now - startedAt,
                    serving.entries,
                    serving.nanosUntil(now),
                    stepWaitNanos,
                    training.entries,
                    training.nanosUntil(now));
        } finally {
            lock.unlock();
        }
    }

    private void runIn(Lane lane, Runnable work) {
        try {
            work.run();
        } finally {
            lock.lock();
            try {
                lane.leave(nanos.getAsLong());
                freed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private void requireOutside() {
        Thread current = Thread.currentThread();
        if (serving.holder == current || training.holder == current) {
            throw new IllegalStateException(
                    "this thread already runs a step or slice; nested work would wait for itself");
        }
    }

    /** One place on the device: who holds it and for how long it was held. */
    private static final class Lane {
        private @Nullable Thread holder;
        private long enteredAt;
        private long entries;
        private long nanos;

        private boolean busy() {
            return holder != null;
        }

        private void enter(long now) {
            holder = Thread.currentThread();
            enteredAt = now;
            entries++;
        }

        private void leave(long now) {
            holder = null;
            nanos += now - enteredAt;
        }

        private long nanosUntil(long now) {
            return nanos + (busy() ? now - enteredAt : 0);
        }
    }
}
