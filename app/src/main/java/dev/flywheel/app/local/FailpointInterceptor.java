package dev.flywheel.app.local;

import dev.flywheel.api.fault.Failpoints;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;

/**
 * Failpoints around each call that the parts of the loop make of one another: {@code METHOD-before}, when it has come in
 * whole, and {@code METHOD-after}, when it is carried out and its reply not yet sent.
 */
final class FailpointInterceptor implements ServerInterceptor {

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
        ServerCall<Q, R> answering = new SimpleForwardingServerCall<>(call) {
            @Override
            public void sendMessage(R message) {
                Failpoints.reach(method + "-after");
                super.sendMessage(message);
            }
        };
        return new SimpleForwardingServerCallListener<>(next.startCall(answering, headers)) {
            @Override
            public void onHalfClose() {
                Failpoints.reach(method + "-before");
                super.onHalfClose();
            }
        };
    }
}
