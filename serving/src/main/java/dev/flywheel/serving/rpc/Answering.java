package dev.flywheel.serving.rpc;

import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.CallTimer;
import dev.flywheel.serving.metrics.ServingMetrics;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends calls: with their answer, or with the status of what went wrong. Thread-safe.
 *
 * <p>Invariant: an answer that was or may have been delivered is an impression. So the impression is made
 * before the answer is sent, and neither once the caller is known to have gone. A caller who goes while
 * the answer is on its way leaves an impression: nobody can tell whether it was read.
 */
final class Answering {
    private static final Logger log = LoggerFactory.getLogger(Answering.class);

    private final ServingMetrics metrics;
    private final Executor executor;

    /** @param executor makes and sends the answers */
    Answering(ServingMetrics metrics, Executor executor) {
        this.metrics = metrics;
        this.executor = executor;
    }

    /**
     * Answers a unary call once its result is there.
     *
     * @param timer hears how the call ended
     * @param cancel runs when the caller goes
     * @param record records the impression and returns the answer that names it
     */
    <R> void once(ServerCallStreamObserver<R> out, CallTimer timer, Runnable cancel,
            CompletableFuture<double[]> result, Function<double[], R> record) {
        out.setOnCancelHandler(cancel);
        var unused = result.whenCompleteAsync((scores, failure) -> guarded(out, timer, () -> {
            if (failure != null) {
                throw failure instanceof ServingException why ? why
                        : new IllegalStateException(failure);
            }
            if (out.isCancelled()) {
                throw ServingException.of(ErrorCode.CANCELLED,
                        "the caller went away before the answer was sent");
            }
            out.onNext(record.apply(scores));
            out.onCompleted();
            timer.answered();
        }), executor);
    }

    /** Turns what goes wrong into the call's status; text and stack of a fault stay on this node. */
    void guarded(ServerCallStreamObserver<?> out, CallTimer timer, Runnable action) {
        try {
            action.run();
        } catch (ServingException why) {
            metrics.refusal(why.code().name());
            timer.failed(why.code().name());
            out.onError(ErrorTable.toStatus(why));
        } catch (RuntimeException fault) {
            log.error("a request failed by a fault of this node", fault);
            timer.failed(ErrorCode.INTERNAL.name());
            out.onError(ErrorTable.toStatus(ServingException.of(ErrorCode.INTERNAL,
                    "the request failed by a fault of this node")));
        }
    }
}
