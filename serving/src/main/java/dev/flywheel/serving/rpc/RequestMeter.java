package dev.flywheel.serving.rpc;

import dev.flywheel.serving.metrics.ServingMetrics;
import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.function.LongSupplier;

/** Counts and times every call by method and status. A call that its client cancels counts when the answer ends. */
final class RequestMeter implements ServerInterceptor {
    private final ServingMetrics metrics;
    private final LongSupplier nanos;

    RequestMeter(ServingMetrics metrics, LongSupplier nanos) {
        this.metrics = metrics;
        this.nanos = nanos;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(ServerCall<Q, R> call, Metadata headers,
            ServerCallHandler<Q, R> next) {
        long began = nanos.getAsLong();
        String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
        return next.startCall(new ForwardingServerCall.SimpleForwardingServerCall<Q, R>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
                metrics.request(method, status.getCode().name(),
                        Duration.ofNanos(nanos.getAsLong() - began));
                super.close(status, trailers);
            }
        }, headers);
    }
}
