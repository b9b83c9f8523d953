package dev.flywheel.serving.impression;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.kafka.EventTooLargeException;
import dev.flywheel.serving.impression.ImpressionSpool.Spooled;
import dev.flywheel.store.core.StoreException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
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
 * the first that failed, so that some may arrive twice. What has waited for one to two seconds is synced to disk, and a spool
 * that has failed is opened anew. The owner closes it before the spool and before what it hands on to.
 */
public final class SpoolDrain implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SpoolDrain.class);
    private static final int ON_THE_WAY_MAX = 4_096;
    private static final int READ_AT_ONCE = 64;
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);
    private static final long NONE = Long.MAX_VALUE;

    private enum Work {
        SETTLE, REOPEN, SYNC, BEGIN_AGAIN, SEND, WAIT
    }

    /** What became of an impression. */
    private record Arrival(Spooled spooled, @Nullable Throwable failure) {}

    private final ImpressionSpool spool;
    private final Function<Impression, CompletableFuture<Void>> delivery;
    private final LongSupplier nanos;
    private final Thread thread;
    private final Queue<Arrival> arrivals = new ConcurrentLinkedQueue<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by lock.
    private boolean news;
    private boolean stopping;
    // Used by the thread alone.
    private final Queue<Spooled> unremoved = new ArrayDeque<>();
    private long next;
    private int onTheWay;
    private long failedFrom = NONE;
    private boolean failing;
    private long syncedAt;
    private long newestAtSync = -1;
    private long notBefore;
    private long reopenNotBefore;

    /** @param delivery completes when the impression has arrived; fails with {@link EventTooLargeException} if it never will */
    public static SpoolDrain start(ImpressionSpool spool,
            Function<Impression, CompletableFuture<Void>> delivery) {
        return start(spool, delivery, System::nanoTime);
    }

    /** The same by another clock. */
    static SpoolDrain start(ImpressionSpool spool,
            Function<Impression, CompletableFuture<Void>> delivery, LongSupplier nanos) {
        SpoolDrain drain = new SpoolDrain(spool, delivery, nanos);
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
        this.notBefore = syncedAt;
        this.reopenNotBefore = syncedAt;
        this.thread = Thread.ofPlatform().daemon().name("spool-drain").unstarted(this::run);
    }

    private void run() {
        try {
            while (!stopped()) {
                turn();
            }
        } catch (InterruptedException stopped) {
            log.debug("stopped while impressions were on their way");
        }
    }

    private void turn() throws InterruptedException {
        try {
            switch (work()) {
                case SETTLE -> settle();
                case REOPEN -> reopen();
                case SYNC -> sync();
                case BEGIN_AGAIN -> beginAgain();
                case SEND -> send();
                case WAIT -> await();
            }
        } catch (StoreException failure) {
            spool.fail(failure);
            notBefore = nanos.getAsLong() + SECOND;
        } catch (RuntimeException | Error fault) {
            // Whatever it was: nobody else hands them on.
            log.error("handing impressions on failed by a fault of this node", fault);
            notBefore = nanos.getAsLong() + SECOND;
        }
    }

    private Work work() {
        if (!arrivals.isEmpty()) {
            return Work.SETTLE;
        }
        long now = nanos.getAsLong();
        if (now - notBefore < 0) {
            return Work.WAIT;
        }
        if (spool.broken()) {
            return now - reopenNotBefore < 0 ? Work.WAIT : Work.REOPEN;
        }
        if (now - syncedAt >= SECOND && spool.size() > 0) {
            return Work.SYNC;
        }
        if (failedFrom != NONE) {
            return onTheWay == 0 ? Work.BEGIN_AGAIN : Work.WAIT;
        }
        return onTheWay < ON_THE_WAY_MAX && next <= spool.newest() ? Work.SEND : Work.WAIT;
    }

    private void reopen() {
        reopenNotBefore = nanos.getAsLong() + SECOND;
        spool.reopen();
        removeAgain();
    }

    /** An impression is rarely here for longer than its way to Kafka takes: a disk that others sync too is left alone then. */
    private void sync() {
        syncedAt = nanos.getAsLong();
        if (spool.waits(newestAtSync)) {
            spool.sync();
        }
        newestAtSync = spool.newest();
        removeAgain();
    }

    private void removeAgain() {
        for (int left = unremoved.size(); left > 0; left--) {
            remove(unremoved.remove());
        }
    }

    private void beginAgain() {
        next = failedFrom;
        failedFrom = NONE;
        notBefore = nanos.getAsLong() + PAUSE_NANOS;
    }

    private void send() {
        long newest = spool.newest();
        boolean any = false;
        for (Spooled spooled : spool.read(next, READ_AT_ONCE)) {
            any = true;
            CompletableFuture<Void> arriving = deliver(spooled.impression());
            var unused = arriving.whenComplete((nothing, failure) -> {
                arrivals.add(new Arrival(spooled, failure));
                wake();
            });
            next = spooled.entry().number() + 1;
            onTheWay++;
            if (arriving.isCompletedExceptionally()) {
                return;
            }
        }
        if (!any) {
            next = newest + 1; // what was left of them has arrived and is gone
        }
    }

    private CompletableFuture<Void> deliver(Impression impression) {
        try {
            return delivery.apply(impression);
        } catch (RuntimeException fault) {
            return CompletableFuture.failedFuture(fault);
        }
    }

    private void settle() {
        for (Arrival arrival = arrivals.poll(); arrival != null; arrival = arrivals.poll()) {
            onTheWay--;
            Throwable failure = arrival.failure();
            Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                    ? failure.getCause()
                    : failure;
            if (cause == null) {
                failing = false;
                remove(arrival.spooled());
            } else if (cause instanceof EventTooLargeException) {
                spool.lost(arrival.spooled(), cause);
                remove(arrival.spooled());
            } else {
                failed(arrival.spooled(), cause);
            }
        }
    }

    private void failed(Spooled spooled, Throwable cause) {
        if (!failing) {
            log.warn("impressions wait on disk, Kafka does not take them: {}", cause.toString());
        }
        failing = true;
        failedFrom = Math.min(failedFrom, spooled.entry().number());
    }

    /** What cannot be removed now is removed later: it has arrived. */
    private void remove(Spooled spooled) {
        try {
            spool.written(spooled);
        } catch (StoreException failure) {
            unremoved.add(spooled);
            spool.fail(failure);
        } catch (RuntimeException fault) {
            unremoved.add(spooled);
            throw fault;
        }
    }

    private void await() throws InterruptedException {
        boolean empty = spool.size() == 0;
        lock.lock();
        try {
            if (!news && !stopping) {
                long left = notBefore - nanos.getAsLong();
                var unused = changed.awaitNanos(left > 0 ? left : SECOND);
            }
            news = false;
        } finally {
            lock.unlock();
        }
        if (empty) {
            syncedAt = nanos.getAsLong();
        }
    }

    private boolean stopped() {
        lock.lock();
        try {
            return stopping;
        } finally {
            lock.unlock();
        }
    }

    private void wake() {
        lock.lock();
        try {
            news = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Sends what is there, within limits, and stops; what is left stays on disk. */
    @Override
    public void close() {
        boolean interrupted = false;
        try {
            awaitEmpty();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        lock.lock();
        try {
            stopping = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (spool.size() > 0) {
            log.warn("{} impressions are left on disk, for the next start", spool.size());
        }
    }

    private void awaitEmpty() throws InterruptedException {
        // By the machine's clock, like the sleeping.
        long deadline = System.nanoTime() + CLOSE_PATIENCE.toNanos();
        while (spool.size() > 0 && thread.isAlive() && System.nanoTime() - deadline < 0) {
            TimeUnit.NANOSECONDS.sleep(PAUSE_NANOS / 10);
        }
    }
}
