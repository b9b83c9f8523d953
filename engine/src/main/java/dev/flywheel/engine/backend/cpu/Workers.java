package dev.flywheel.engine.backend.cpu;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A fixed few threads that help callers with the parts of one call.
 *
 * <p>The caller works too and never waits for a helper that has not begun: helpers busy with another
 * stream cost speed, not progress. Which thread runs a part never shows in its result. With one
 * thread there are no helpers, and parts run inline.
 */
final class Workers implements AutoCloseable {
    private static final int CALLS_WAITING_MAX = 64;

    /** One part of a call; parts write disjoint outputs. */
    interface Part {
        void run(int part, Workspace workspace);
    }

    /** A range of rows or elements of a call; ranges write disjoint outputs. */
    interface Range {
        void run(int from, int to, Workspace workspace);
    }

    private final int threads;
    private final Thread[] helpers;
    private final BlockingQueue<Call> calls = new ArrayBlockingQueue<>(CALLS_WAITING_MAX);

    Workers(int threads) {
        this.threads = threads;
        this.helpers = new Thread[threads - 1];
        for (int h = 0; h < helpers.length; h++) {
            int thread = h + 1;
            helpers[h] = Thread.ofPlatform()
                    .name("flywheel-cpu-" + thread)
                    .daemon()
                    .start(() -> help(thread));
        }
    }

    int threads() {
        return threads;
    }

    /** Runs parts 0 to {@code parts - 1} and returns when all are done. */
    void run(CpuStream stream, int parts, Part body) {
        if (threads == 1 || parts == 1) {
            for (int part = 0; part < parts; part++) {
                body.run(part, stream.workspace(0));
            }
            return;
        }
        Call call = new Call(stream, parts, body);
        for (int h = Math.min(helpers.length, parts - 1); h > 0; h--) {
            if (!calls.offer(call)) {
                break; // all helpers are busy with a backlog: the caller does it alone
            }
        }
        call.work(0);
        call.await();
    }

    /**
     * Runs the body over [0, n), split among threads where each gets at least {@code grain}; ranges
     * begin at multiples of a vector.
     */
    void split(CpuStream stream, int n, int grain, Range body) {
        int parts = Math.clamp(n / Math.max(1, grain), 1, threads);
        if (parts == 1) {
            body.run(0, n, stream.workspace(0));
            return;
        }
        int step = (n / parts + Microkernels.W - 1) / Microkernels.W * Microkernels.W;
        run(stream, parts, (part, workspace) -> {
            int from = Math.min(n, part * step);
            body.run(from, part == parts - 1 ? n : Math.min(n, from + step), workspace);
        });
    }

    @Override
    public void close() {
        for (Thread helper : helpers) {
            helper.interrupt();
        }
    }

    private void help(int thread) {
        try {
            while (true) {
                calls.take().work(thread);
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /** One call being worked on: parts are taken in order, by whoever is free. */
    private static final class Call {
        private final CpuStream stream;
        private final int parts;
        private final Part body;
        private final AtomicInteger next = new AtomicInteger();
        private final CountDownLatch done;
        private volatile @Nullable RuntimeException failure;

        private Call(CpuStream stream, int parts, Part body) {
            this.stream = stream;
            this.parts = parts;
            this.body = body;
            this.done = new CountDownLatch(parts);
        }

        private void work(int thread) {
            for (int part = next.getAndIncrement(); part < parts; part = next.getAndIncrement()) {
                try {
                    body.run(part, stream.workspace(thread));
                } catch (RuntimeException e) {
                    failure = e;
                } finally {
                    done.countDown();
                }
            }
        }

        private void await() {
            boolean interrupted = false;
            while (true) {
                try {
                    done.await();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true; // parts still write into the caller's buffers
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            if (failure != null) {
                throw failure;
            }
        }
    }
}
