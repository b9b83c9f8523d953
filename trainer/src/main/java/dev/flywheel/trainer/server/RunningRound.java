package dev.flywheel.trainer.server;

import dev.flywheel.api.v1.TrainReply;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;

/**
 * A round with everyone who waits for it; it stops when the last of them has left.
 *
 * <p>Thread-safe. A round that stopped or ended takes no more callers.
 */
final class RunningRound {
    private final RoundKey key;
    private final List<StreamObserver<TrainReply>> callers = new ArrayList<>();
    private boolean closed;

    RunningRound(RoundKey key) {
        this.key = key;
    }

    RoundKey key() {
        return key;
    }

    /** Adds a caller; false if the round has stopped or ended. */
    synchronized boolean join(StreamObserver<TrainReply> caller) {
        if (closed) {
            return false;
        }
        callers.add(caller);
        return true;
    }

    /** A caller no longer waits. */
    synchronized void leave(StreamObserver<TrainReply> caller) {
        callers.remove(caller);
        closed |= callers.isEmpty();
    }

    /** Returns whether nobody waits any more. */
    synchronized boolean stopped() {
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
