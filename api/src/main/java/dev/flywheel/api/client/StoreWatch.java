package dev.flywheel.api.client;

import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.api.v1.WatchReply;
import dev.flywheel.api.v1.WatchRequest;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A watch that resumes by itself, with a pause that doubles from 50 ms to 5 s while the store cannot be reached.
 *
 * <p>Invariant: the listener never sees a commit below one that it has seen. A store that answers from further back (restored
 * from a backup, or a lost tail) is reported as DATA_LOSS and asked again later. Ends only when closed. Thread-safe.
 */
public final class StoreWatch implements AutoCloseable {
    private static final long PAUSE_MILLIS_MIN = 50;
    private static final long PAUSE_MILLIS_MAX = 5_000;

    private final Channel channel;
    private final WatchRequest request;
    private final WatchListener listener;
    private long commit;
    private long pauseMillis = PAUSE_MILLIS_MIN;
    private boolean closed;
    private @Nullable ClientCallStreamObserver<WatchRequest> call;

    /** @param seen commit below which nothing is to be told */
    StoreWatch(Channel channel, WatchRequest request, WatchListener listener, long seen) {
        this.channel = channel;
        this.request = request;
        this.listener = listener;
        this.commit = seen;
    }

    void start() {
        synchronized (this) {
            if (closed) {
                return;
            }
        }
        ClientCalls.asyncServerStreamingCall(
                channel.newCall(RegistryGrpc.getWatchMethod(), Calls.withoutDeadline()), request,
                new Attempt());
    }

    /** Ends the watch; an event that is being delivered is delivered to its end. */
    @Override
    public void close() {
        ClientCallStreamObserver<WatchRequest> running;
        synchronized (this) {
            closed = true;
            running = call;
            call = null;
        }
        if (running != null) {
            running.cancel("watch closed", null);
        }
    }

    private synchronized boolean accept(WatchReply reply) {
        if (closed) {
            return false;
        }
        if (reply.getCommit() < commit) {
            throw Status.DATA_LOSS
                    .withDescription("the store is at commit " + reply.getCommit()
                            + " but was seen at commit " + commit + " before")
                    .asRuntimeException();
        }
        commit = reply.getCommit();
        pauseMillis = PAUSE_MILLIS_MIN;
        return true;
    }

    private void interrupted(StatusRuntimeException why) {
        long pause;
        synchronized (this) {
            call = null;
            if (closed) {
                return;
            }
            pause = pauseMillis;
            pauseMillis = Math.min(2 * pauseMillis, PAUSE_MILLIS_MAX);
        }
        try {
            listener.onInterrupted(why);
        } finally {
            resumeAfter(pause);
        }
    }

    private void resumeAfter(long millis) {
        Executor later = CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS);
        later.execute(() -> {
            // The channel's own pause grows to two minutes; ours is the shorter one.
            if (channel instanceof ManagedChannel managed) {
                managed.resetConnectBackoff();
            }
            start();
        });
    }

    /** One stream, from its snapshot to its end. */
    private final class Attempt implements ClientResponseObserver<WatchRequest, WatchReply> {
        private @Nullable ClientCallStreamObserver<WatchRequest> stream;
        private @Nullable StatusRuntimeException refusedBecause;

        @Override
        public void beforeStart(ClientCallStreamObserver<WatchRequest> started) {
            stream = started;
            // One at a time: the listener's pace reaches the store, which bounds what it keeps for us.
            started.disableAutoRequestWithInitial(1);
            boolean wanted;
            synchronized (StoreWatch.this) {
                wanted = !closed;
                call = wanted ? started : null;
            }
            if (!wanted) {
                started.setOnReadyHandler(() -> started.cancel("watch closed", null));
            }
        }

        @Override
        public void onNext(WatchReply reply) {
            try {
                if (accept(reply)) {
                    listener.onEvent(reply);
                }
            } catch (StatusRuntimeException behind) {
                refusedBecause = behind;
                throw behind;
            }
            ClientCallStreamObserver<WatchRequest> running = stream;
            if (running != null) {
                running.request(1);
            }
        }

        @Override
        public void onError(Throwable failure) {
            StatusRuntimeException refused = refusedBecause;
            interrupted(refused == null ? Calls.asStatus(failure) : refused);
        }

        @Override
        public void onCompleted() {
            interrupted(Status.UNAVAILABLE.withDescription("the store ended the watch")
                    .asRuntimeException());
        }
    }
}
