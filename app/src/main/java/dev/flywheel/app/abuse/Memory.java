package dev.flywheel.app.abuse;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;

/** What this process holds after garbage was collected. */
final class Memory {
    private static final int COLLECTIONS = 4;
    private static final long SETTLE_MILLIS = 50;

    private Memory() {}

    /** Returns bytes of heap and of direct buffers that are in use; the least of a few collections. */
    static long held() throws InterruptedException {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
            TimeUnit.MILLISECONDS.sleep(SETTLE_MILLIS);
            least = Math.min(least,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed()
                            + direct());
        }
        return least;
    }

    /** The transport's buffers are among them. */
    private static long direct() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)
                .stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    /** Returns the threads of the operating system, but for those that only carry virtual ones. */
    static long threads() {
        return Thread.getAllStackTraces()
                .keySet()
                .stream()
                .filter(thread -> !thread.getName().startsWith("ForkJoinPool"))
                .count();
    }
}
