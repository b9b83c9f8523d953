package dev.flywheel.serving.impression;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.kafka.EventTooLargeException;
import dev.flywheel.serving.impression.ImpressionSpool.Spooled;
import dev.flywheel.store.core.StoreException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that hands what is in the spool on, in order, and lets go of it once it has arrived. After a failure it begins again at
 * the first that failed, so that some may arrive twice. What waits longer than a second is synced to disk. The owner closes it
 * before the spool and before what it hands on to.
 */
public final class SpoolDrain implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SpoolDrain.class);
    private static final int ON_THE_WAY_MAX = 4_096;
    private static final int READ_AT_ONCE = 64;
    private static final long SYNC_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);
    private static final long NONE = Long.MAX_VALUE;

    private enum Work {
        SEND, SYNC, STOP
    }

    private final ImpressionSpool spool;
    private final Function<Impression, CompletableFuture<Void>> delivery;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Thread thread;
    private final LongSupplier nanos;
    /** Used by the thread alone. */
    private long syncedAt;
    // Guarded by lock.
    private long next;
    private int onTheWay;
    private long failedFrom = NONE;
    private boolean stopping;

    /** @param delivery completes when the impression has arrived; fails with {@link EventTooLargeException} if it never will */
    public static SpoolDrain start(ImpressionSpool spool,
            Function<Impression, CompletableFuture<Void>> delivery) {
        SpoolDrain drain = new SpoolDrain(spool, delivery, System::nanoTime);
        spool.onArrival(drain::wake);
        drain.thread.start();
        return drain;
    }

    private SpoolDrain(ImpressionSpool spool,
            Function<Impression, CompletableFuture<Void>> delivery, LongSupplier nanos) {
        this.spool = spool;
        this.delivery = delivery;
        this.nanos = nanos;
        this.syncedAt = nanos.getAsLong();
        this.thread = Thread.ofPlatform().daemon().name("spool-drain").unstarted(this::run);
    }

    private void run() {
        try {
            for (Work work = await(); work != Work.STOP; work = await()) {
                act(work);
            }
        } catch (InterruptedException stopped) {
            log.debug("stopped while impressions were on their way");
        }
    }

    private void act(Work work) throws InterruptedException {
        try {
            if (work == Work.SYNC) {
                spool.sync();
                syncedAt = nanos.getAsLong();
            } else {
                send(spool.read(next, READ_AT_ONCE));
            }
        } catch (StoreException failure) {
            log.error("impressions on disk cannot be sent now: {}", failure.getMessage());
            TimeUnit.NANOSECONDS.sleep(SYNC_NANOS);
        }
    }

    private Work await() throws InterruptedException {
        lock.lock();
        try {
            while (!stopping) {
                long sinceSync = nanos.getAsLong() - syncedAt;
                if (failedFrom != NONE && onTheWay == 0) {
                    beginAgain();
                } else if (sinceSync >= SYNC_NANOS && spool.size() > 0) {
                    return Work.SYNC;
                } else if (failedFrom == NONE && onTheWay < ON_THE_WAY_MAX && spool.hasFrom(next)) {
                    return Work.SEND;
                } else {
                    var unused = changed.awaitNanos(Math.max(PAUSE_NANOS, SYNC_NANOS - sinceSync));
                }
            }
            return Work.STOP;
        } finally {
            lock.unlock();
        }
    }

    private void beginAgain() throws InterruptedException {
        next = failedFrom;
        failedFrom = NONE;
        long left = PAUSE_NANOS;
        while (left > 0 && !stopping) {
            left = changed.awaitNanos(left);
        }
    }

    private void send(List<Spooled> some) {
        for (Spooled spooled : some) {
            if (!begin(spooled)) {
                return;
            }
            CompletableFuture<Void> arriving = delivery.apply(spooled.impression());
            spool.handed(spooled);
            var unused = arriving.whenComplete((nothing, failure) -> ended(spooled, failure));
        }
    }

    /** Whether it is to be sent now: nothing is after a failure, until it begins again. */
    private boolean begin(Spooled spooled) {
        lock.lock();
        try {
            if (failedFrom != NONE) {
                return false;
            }
            next = spooled.entry().number() + 1;
            onTheWay++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void ended(Spooled spooled, @Nullable Throwable failure) {
        boolean again = false;
        try {
            Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                    ? failure.getCause()
                    : failure;
            if (cause == null) {
                spool.written(spooled);
            } else if (cause instanceof EventTooLargeException) {
                spool.lost(spooled, cause);
            } else {
                again = true;
            }
        } catch (StoreException notRemoved) {
            log.error("an impression that Kafka has stays on disk: {}", notRemoved.getMessage());
        } finally {
            boolean failed = again;
            locked(() -> {
                onTheWay--;
                if (failed) {
                    failedFrom = Math.min(failedFrom, spooled.entry().number());
                }
                changed.signalAll();
            });
        }
    }

    private void wake() {
        locked(changed::signalAll);
    }

    private void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    /** Sends what is there, within limits, and stops; what is left stays on disk. */
    @Override
    public void close() {
        lock.lock();
        try {
            long left = CLOSE_PATIENCE.toNanos();
            while (spool.size() > 0 && left > 0) {
                left = changed.awaitNanos(left);
            }
            stopping = true;
            changed.signalAll();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopping = true;
        } finally {
            lock.unlock();
        }
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (spool.size() > 0) {
            log.warn("{} impressions are left on disk, for the next start", spool.size());
        }
    }
}
