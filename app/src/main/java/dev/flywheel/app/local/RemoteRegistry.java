package dev.flywheel.app.local;

import dev.flywheel.api.v1.RegistryGrpc;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;

/**
 * The registry of a store in another process, to be shown on a node's own port: hands each call on as it is. A message is asked
 * of one side when the other has room for it, so none pile up here. Thread-safe.
 */
final class RemoteRegistry implements BindableService {
    private final Channel store;

    RemoteRegistry(Channel store) {
        this.store = store;
    }

    @Override
    public ServerServiceDefinition bindService() {
        ServerServiceDefinition.Builder service =
                ServerServiceDefinition.builder(RegistryGrpc.getServiceDescriptor());
        for (MethodDescriptor<?, ?> method : RegistryGrpc.getServiceDescriptor().getMethods()) {
            service.addMethod(handedOn(method));
        }
        return service.build();
    }

    private <Q, R> ServerMethodDefinition<Q, R> handedOn(MethodDescriptor<Q, R> method) {
        ServerCallHandler<Q, R> handler = (caller, headers) -> {
            ClientCall<Q, R> callee = store.newCall(method, CallOptions.DEFAULT
                    .withMaxInboundMessageSize(Integer.MAX_VALUE));
            Both<Q, R> both = new Both<>(caller, callee);
            callee.start(both.answers(), new Metadata());
            caller.request(1);
            callee.request(1);
            return both.requests();
        };
        return ServerMethodDefinition.create(method, handler);
    }

    /** One call on its two sides. */
    private record Both<Q, R>(ServerCall<Q, R> caller, ClientCall<Q, R> callee) {

        ServerCall.Listener<Q> requests() {
            return new ServerCall.Listener<>() {
                @Override
                public void onMessage(Q message) {
                    callee.sendMessage(message);
                    caller.request(1);
                }

                @Override
                public void onHalfClose() {
                    callee.halfClose();
                }

                @Override
                public void onCancel() {
                    callee.cancel("the caller cancelled", null);
                }

                @Override
                public void onReady() {
                    callee.request(1);
                }
            };
        }

        ClientCall.Listener<R> answers() {
            return new ClientCall.Listener<>() {
                @Override
                public void onHeaders(Metadata headers) {
                    caller.sendHeaders(headers);
                }

                @Override
                public void onMessage(R message) {
                    caller.sendMessage(message);
                    if (caller.isReady()) {
                        callee.request(1);
                    }
                }

                @Override
                public void onClose(Status status, Metadata trailers) {
                    if (!caller.isCancelled()) {
                        caller.close(status, trailers);
                    }
                }
            };
        }
    }
}
