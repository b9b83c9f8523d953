package dev.flywheel.serving.adapter;

import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that loads versions, in the order they were asked for; it owns the loader.
 *
 * <p>Bounded: an alias stands in it once at a time, and exact versions that requests wait for are at most
 * {@value #LOADS_MAX}. Thread-safe.
 */
final class LoadQueue implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LoadQueue.class);
    private static final int LOADS_MAX = 256;
    private static final Duration RETRY_AFTER = Duration.ofMillis(500);

    private final ScheduledThreadPoolExecutor thread;
    private final VersionLoader loader;
    private final Map<VersionKey, CompletableFuture<Resident>> loads = new ConcurrentHashMap<>();

    /** A piece of work that may be told to stop. */
    @FunctionalInterface
    interface Work {
        void run() throws InterruptedException;
    }

    LoadQueue(VersionLoader loader) {
        this.loader = loader;
        this.thread = new ScheduledThreadPoolExecutor(1,
                Thread.ofPlatform().daemon().name("adapter-loader").factory());
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /** Returns the loader, for work on this thread. */
    VersionLoader loader() {
        return loader;
    }

    void submit(Work work) {
        execute(() -> guarded(work));
    }

    void later(Duration delay, Runnable work) {
        try {
            var unused = thread.schedule(work, delay.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException closed) {
            log.debug("not retried: the node stops");
        }
    }

    /** Runs something once all that is queued now is done. */
    void afterAll(Runnable work) {
        execute(work);
    }

    /** Loads an exact version, or joins the load that is under way. */
    CompletableFuture<Resident> load(VersionKey key, Callable<Resident> work) {
        if (loads.size() >= LOADS_MAX && !loads.containsKey(key)) {
            throw ServingException.later(ErrorCode.QUEUE_FULL,
                    "too many versions are being loaded", RETRY_AFTER);
        }
        CompletableFuture<Resident> mine = new CompletableFuture<>();
        CompletableFuture<Resident> begun = loads.putIfAbsent(key, mine);
        if (begun != null) {
            return begun;
        }
        execute(() -> {
            loads.remove(key);
            try {
                mine.complete(work.call());
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                mine.completeExceptionally(draining());
            } catch (Exception failure) {
                mine.completeExceptionally(failure);
            }
        });
        return mine;
    }

    private void execute(Runnable work) {
        try {
            thread.execute(work);
        } catch (RejectedExecutionException closed) {
            throw draining();
        }
    }

    private static ServingException draining() {
        return ServingException.later(ErrorCode.DRAINING, "this node is going away", RETRY_AFTER);
    }

    private static void guarded(Work work) {
        try {
            work.run();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException fault) {
            log.error("loading a version failed by a fault of this node", fault);
        }
    }

    /** Stops the thread and frees the loader's memory. */
    @Override
    public void close() {
        thread.shutdownNow();
        try {
            if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
                log.warn("a version is still being loaded; its memory is not freed");
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        loader.close();
    }
}
