package dev.flywheel.store.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends what a source holds as fast as the caller takes it and no faster.
 *
 * <p>gRPC calls it from one thread at a time, so the source needs no lock.
 */
final class ReadyStream<R> {
    private final ServerCallStreamObserver<R> out;
    private final Supplier<@Nullable R> source;
    private boolean ended;

    private ReadyStream(ServerCallStreamObserver<R> out, Supplier<@Nullable R> source) {
        this.out = out;
        this.source = source;
    }

    /**
     * Must be called before the service method returns.
     *
     * @param source the next reply, null at the end; may block on the disk
     * @param released runs once when the call has ended, however it ended
     */
    static <R> void start(ServerCallStreamObserver<R> out, Supplier<@Nullable R> source,
            Runnable released) {
        ReadyStream<R> stream = new ReadyStream<>(out, source);
        out.setOnCancelHandler(released);
        out.setOnCloseHandler(released);
        out.setOnReadyHandler(stream::send);
    }

    private void send() {
        while (!ended && out.isReady()) {
            R next;
            try {
                next = source.get();
            } catch (RuntimeException failure) {
                ended = true;
                out.onError(Errors.of(failure));
                return;
            }
            if (next == null) {
                ended = true;
                out.onCompleted();
                return;
            }
            out.onNext(next);
        }
    }
}
