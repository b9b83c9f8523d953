package dev.flywheel.trainer.server;

import dev.flywheel.api.v1.TrainReply;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * A round with everyone who waits for it. Before it has begun it stops when the last of them leaves;
 * once it runs, only after it has been without a caller for a grace period, so that a caller who
 * asks again after a lost connection or an expired deadline joins what is done already.
 *
 * <p>Thread-safe. A round that stopped or ended takes no more callers.
 */
final class RunningRound {
    private final RoundKey key;
    private final long graceNanos;
    private final LongSupplier nanoTime;
    private final List<StreamObserver<TrainReply>> callers = new ArrayList<>();
    private long leftAtNanos;
    private boolean begun;
    private boolean closed;

    RunningRound(RoundKey key, Duration grace, LongSupplier nanoTime) {
        this.key = key;
        this.graceNanos = grace.toNanos();
        this.nanoTime = nanoTime;
    }

    RoundKey key() {
        return key;
    }

    /** Adds a caller; false if the round has stopped or ended. */
    synchronized boolean join(StreamObserver<TrainReply> caller) {
        if (stopped()) {
            return false;
        }
        callers.add(caller);
        return true;
    }

    /** A caller no longer waits. */
    synchronized void leave(StreamObserver<TrainReply> caller) {
        if (callers.remove(caller) && callers.isEmpty()) {
            leftAtNanos = nanoTime.getAsLong();
            closed |= !begun;
        }
    }

    /** From here on it runs; false if nobody waits for it any more. */
    synchronized boolean begin() {
        begun = !closed;
        return begun;
    }

    /** Returns whether nobody waits any more, nor is expected back. */
    synchronized boolean stopped() {
        closed |= begun && callers.isEmpty() && nanoTime.getAsLong() - leftAtNanos >= graceNanos;
        return closed;
    }

    void complete(TrainReply reply) {
        for (StreamObserver<TrainReply> caller : end()) {
            caller.onNext(reply);
            caller.onCompleted();
        }
    }

    void fail(StatusRuntimeException failure) {
        for (StreamObserver<TrainReply> caller : end()) {
            caller.onError(failure);
        }
    }

    private synchronized List<StreamObserver<TrainReply>> end() {
        closed = true;
        List<StreamObserver<TrainReply>> waiting = List.copyOf(callers);
        callers.clear();
        return waiting;
    }
}
