package dev.flywheel.app.oracle;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs something that reads untrusted files, with time and memory measured.
 *
 * <p>It runs on a thread of its own, so that what hangs is given up after the time limit; that thread
 * cannot be stopped and is left behind as a daemon.
 *
 * @param failure what it threw, null if nothing
 * @param finished whether it ended in time
 * @param heapBytes what it allocated on the heap, freed or not
 */
public record BoundedLoad(
        @Nullable Throwable failure,
        boolean finished,
        double seconds,
        long heapBytes) {
    private static final long HEAP_BYTES_MAX = 64L << 20;
    private static final long HEAP_BYTES_PER_FILE_BYTE = 16;

    private record End(@Nullable Throwable failure, double seconds, long heapBytes) {}

    /**
     * Runs {@code load} for at most {@code secondsMax}.
     *
     * @param nanoTime the clock that tells how long it took; the limit is real time
     */
    public static BoundedLoad run(Runnable load, double secondsMax, LongSupplier nanoTime)
            throws InterruptedException {
        CompletableFuture<End> end = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .name("untrusted-load")
                .start(() -> end.complete(measure(load, nanoTime)));
        try {
            End reached = end.get((long) (secondsMax * 1e9), TimeUnit.NANOSECONDS);
            return new BoundedLoad(
                    reached.failure(), true, reached.seconds(), reached.heapBytes());
        } catch (TimeoutException e) {
            return new BoundedLoad(null, false, secondsMax, 0);
        } catch (ExecutionException e) {
            throw new IllegalStateException("a measured load always ends normally", e);
        }
    }

    /** Returns what reading files of so many bytes may allocate, freed or not. */
    public static long heapBytesAllowed(long fileBytes) {
        return HEAP_BYTES_MAX + HEAP_BYTES_PER_FILE_BYTE * fileBytes;
    }

    private static End measure(Runnable load, LongSupplier nanoTime) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = threads.getCurrentThreadAllocatedBytes();
        long start = nanoTime.getAsLong();
        @Nullable Throwable failure = null;
        try {
            load.run();
        } catch (RuntimeException | Error e) { // an exhausted stack or heap is what is looked for
            failure = e;
        }
        return new End(
                failure, (nanoTime.getAsLong() - start) / 1e9,
                threads.getCurrentThreadAllocatedBytes() - bytes);
    }
}
