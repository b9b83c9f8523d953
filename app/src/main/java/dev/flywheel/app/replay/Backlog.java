package dev.flywheel.app.replay;

import java.util.concurrent.TimeUnit;

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
    private long sent;
    private long ended;

    Backlog(int most) {
        this.most = most;
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
        long deadline = System.nanoTime() + WAIT_NANOS;
        while (sent - ended >= most) {
            long left = deadline - System.nanoTime();
            if (left <= 0 && ended == before) {
                sent = ended;
                return;
            }
            if (left <= 0) {
                before = ended;
                deadline = System.nanoTime() + WAIT_NANOS;
                continue;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }
}
