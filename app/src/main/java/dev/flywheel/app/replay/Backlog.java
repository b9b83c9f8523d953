package dev.flywheel.app.replay;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Bounds how far learning may lag behind what was sent.
 *
 * <p>A stream replayed faster than it can be learned from would be predicted by a model of long ago; real ratings come
 * slower than that. Events that were refused never come back: after a wait without progress they are given up.
 * Thread-safe.
 */
final class Backlog {
    private static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final int most;
    private final LongSupplier nanos;
    private long sent;
    private long ended;

    /**
     * Lets {@code most} events be on their way.
     *
     * @param nanos a clock that only goes forward
     */
    Backlog(int most, LongSupplier nanos) {
        this.most = most;
        this.nanos = nanos;
    }

    synchronized void sent() {
        sent++;
    }

    synchronized void ended(int count) {
        ended += count;
        notifyAll();
    }

    /** Waits until fewer than the most are on their way, as long as there is progress. */
    synchronized void await() throws InterruptedException {
        long before = ended;
        long deadline = nanos.getAsLong() + WAIT_NANOS;
        while (sent - ended >= most) {
            long left = deadline - nanos.getAsLong();
            if (left <= 0 && ended == before) {
                sent = ended;
                return;
            }
            if (left <= 0) {
                before = ended;
                deadline = nanos.getAsLong() + WAIT_NANOS;
                continue;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }
}
