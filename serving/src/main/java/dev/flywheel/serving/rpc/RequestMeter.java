package dev.flywheel.serving.rpc;

import dev.flywheel.serving.metrics.ServingMetrics;
import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;

/** Counts every call by method and status. A call that its client cancels counts when the answer ends. */
final class RequestMeter implements ServerInterceptor {
    private final ServingMetrics metrics;

    RequestMeter(ServingMetrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(ServerCall<Q, R> call, Metadata headers,
            ServerCallHandler<Q, R> next) {
        String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
        return next.startCall(new ForwardingServerCall.SimpleForwardingServerCall<Q, R>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
                metrics.request(method, status.getCode().name());
                super.close(status, trailers);
            }
        }, headers);
    }
}
