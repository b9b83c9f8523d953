package dev.flywheel.api.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Unary calls over one channel, each with a deadline. Failures are always {@link StatusRuntimeException}, thrown or inside
 * the future.
 */
record Calls(Channel channel, Duration timeout) {

    /** Manifests hold whole rounds, so replies may be larger than gRPC's default of 4 MiB. */
    static final int REPLY_BYTES_MAX = 80 << 20;

    Calls {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be positive, was " + timeout);
        }
    }

    /** The same with another deadline. */
    Calls within(Duration longer) {
        return new Calls(channel, longer);
    }

    CallOptions options() {
        return withoutDeadline().withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    static CallOptions withoutDeadline() {
        return CallOptions.DEFAULT.withMaxInboundMessageSize(REPLY_BYTES_MAX);
    }

    <Q, R> R blocking(MethodDescriptor<Q, R> method, Q request) {
        try {
            return ClientCalls.blockingUnaryCall(channel, method, options(), request);
        } catch (StatusRuntimeException failure) {
            reconnectAfter(failure);
            throw failure;
        }
    }

    /** A channel's own pause grows to two minutes while a server is away; whoever calls again makes shorter ones. */
    private void reconnectAfter(Throwable failure) {
        if (channel instanceof ManagedChannel managed
                && asStatus(failure).getStatus().getCode() == Status.Code.UNAVAILABLE) {
            managed.resetConnectBackoff();
        }
    }

    /** Cancelling the future cancels the call. */
    <Q, R> CompletableFuture<R> async(MethodDescriptor<Q, R> method, Q request) {
        ClientCall<Q, R> call = channel.newCall(method, options());
        Reply<R> reply = new Reply<>();
        reply.future.onCancel(() -> call.cancel("the caller cancelled", null));
        var unused = reply.future.whenComplete((value, failure) -> {
            if (failure != null) {
                reconnectAfter(failure);
            }
        });
        ClientCalls.asyncUnaryCall(call, request, reply);
        return reply.future;
    }

    /** Completes a future with the only reply of a call. */
    static final class Reply<R> implements StreamObserver<R> {
        final CallFuture<R> future = new CallFuture<>();
        private @Nullable R value;

        @Override
        public void onNext(R next) {
            value = next;
        }

        @Override
        public void onError(Throwable failure) {
            future.completeExceptionally(asStatus(failure));
        }

        @Override
        public void onCompleted() {
            R received = value;
            if (received == null) {
                future.completeExceptionally(
                        Status.INTERNAL.withDescription("the server sent no reply")
                                .asRuntimeException());
            } else {
                future.complete(received);
            }
        }
    }

    /** Hands each reply of a stream on; the future completes with the stream. */
    static final class Each<R> implements StreamObserver<R> {
        private final CompletableFuture<Void> end = new CompletableFuture<>();
        private final Consumer<R> each;

        Each(Consumer<R> each) {
            this.each = each;
        }

        CompletableFuture<Void> end() {
            return end;
        }

        @Override
        public void onNext(R next) {
            each.accept(next);
        }

        @Override
        public void onError(Throwable failure) {
            end.completeExceptionally(asStatus(failure));
        }

        @Override
        public void onCompleted() {
            end.complete(null);
        }
    }

    static StatusRuntimeException asStatus(Throwable failure) {
        return failure instanceof StatusRuntimeException status ? status
                : Status.fromThrowable(failure).asRuntimeException();
    }
}
