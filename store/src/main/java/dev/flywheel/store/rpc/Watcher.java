package dev.flywheel.store.rpc;

import dev.flywheel.api.v1.WatchReply;
import dev.flywheel.store.commit.CommitFeed;
import dev.flywheel.store.commit.CommitListener;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.StoreState;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One watch: first the state as it stands, then every change after exactly that state.
 *
 * <p>Changes that come while the caller reads wait in a bounded queue; when it overflows the watch ends and the caller may
 * begin another. The committing thread only fills the queue; one task at a time empties it, so replies never overlap.
 */
final class Watcher implements CommitListener {
    private final ServerCallStreamObserver<WatchReply> out;
    private final WatchEvents events;
    private final CommitFeed feed;
    private final Executor executor;
    private final Runnable released;
    private final int queueMax;
    // Above 0 while a task sends or is about to; 1 from the start, so that none begins before the snapshot is set.
    private final AtomicInteger wanted = new AtomicInteger(1);

    // Guarded by this.
    private final Queue<WatchReply> live = new ArrayDeque<>();
    private @Nullable StatusRuntimeException end;
    private boolean over;

    // Only used by the one task that sends.
    private Iterator<WatchReply> snapshot = Collections.emptyIterator();
    private boolean closed;

    private Watcher(ServerCallStreamObserver<WatchReply> out, WatchEvents events, CommitFeed feed,
            Executor executor, int queueMax, Runnable released) {
        this.out = out;
        this.events = events;
        this.feed = feed;
        this.executor = executor;
        this.queueMax = queueMax;
        this.released = released;
    }

    /** Must be called before the service method returns. */
    static void start(ServerCallStreamObserver<WatchReply> out, WatchEvents events,
            CommitFeed feed, CommitHistory history, Executor executor, int queueMax,
            Runnable released) {
        Watcher watcher = new Watcher(out, events, feed, executor, queueMax, released);
        out.setOnCancelHandler(watcher::cancelled);
        out.setOnReadyHandler(watcher::wake);
        StoreState from = feed.subscribe(watcher);
        watcher.snapshot = events.snapshot(from, history);
        executor.execute(watcher::send);
    }

    @Override
    public void committed(long commit, List<Fact> facts) {
        List<WatchReply> changes = events.of(commit, facts);
        if (changes.isEmpty()) {
            return;
        }
        synchronized (this) {
            if (over || end != null) {
                return;
            }
            if (live.size() + changes.size() > queueMax) {
                end = Errors.exhausted("WATCHER_TOO_SLOW", "more than " + queueMax
                        + " changes wait for this watch; begin another");
                live.clear();
            } else {
                live.addAll(changes);
            }
        }
        wake();
    }

    @Override
    public void interrupted(String why) {
        synchronized (this) {
            if (end == null) {
                end = Errors.interrupted(why);
            }
        }
        wake();
    }

    private void cancelled() {
        synchronized (this) {
            over = true;
            live.clear();
        }
        feed.unsubscribe(this);
        released.run();
    }

    /** However often it is called, one task at a time sends; a call during the task makes it look again. */
    private void wake() {
        if (wanted.getAndIncrement() == 0) {
            executor.execute(this::send);
        }
    }

    private void send() {
        int seen = 1;
        while (seen != 0) {
            sendWhileReady();
            seen = wanted.addAndGet(-seen);
        }
    }

    private void sendWhileReady() {
        try {
            while (!closed) {
                StatusRuntimeException ended = ended();
                if (ended != null) {
                    close(ended);
                    return;
                }
                WatchReply next = out.isReady() ? next() : null;
                if (next == null) {
                    return;
                }
                out.onNext(next);
            }
        } catch (RuntimeException failure) {
            close(Errors.of(failure));
        }
    }

    private synchronized @Nullable StatusRuntimeException ended() {
        return end;
    }

    private @Nullable WatchReply next() {
        if (snapshot.hasNext()) {
            return snapshot.next();
        }
        synchronized (this) {
            return live.poll();
        }
    }

    private void close(StatusRuntimeException why) {
        closed = true;
        feed.unsubscribe(this);
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            live.clear();
        }
        released.run();
        out.onError(why);
    }
}
