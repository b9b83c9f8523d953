package dev.flywheel.app.local;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.trainer.adapter.AdapterCreation;
import dev.flywheel.trainer.adapter.AdapterSettings;
import io.grpc.BindableService;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;

/**
 * The registry on a node's port: the store's, but for {@code CreateAdapter}, which a node completes, since it has the base and
 * can make weights to start from. Thread-safe.
 */
final class NodeRegistry implements BindableService {
    private final BindableService stored;
    private final StoreClient store;
    private final BaseModel base;
    private final AdapterSettings defaults;
    private final int rankMax;

    /**
     * @param stored the store's own service
     * @param defaults of what a request leaves out
     * @param rankMax the largest rank that the node serves
     */
    NodeRegistry(BindableService stored, StoreClient store, BaseModel base,
            AdapterSettings defaults, int rankMax) {
        this.stored = stored;
        this.store = store;
        this.base = base;
        this.defaults = defaults;
        this.rankMax = rankMax;
    }

    @Override
    public ServerServiceDefinition bindService() {
        ServerServiceDefinition own = stored.bindService();
        ServerServiceDefinition.Builder shown =
                ServerServiceDefinition.builder(own.getServiceDescriptor());
        for (ServerMethodDefinition<?, ?> method : own.getMethods()) {
            if (!method.getMethodDescriptor().equals(RegistryGrpc.getCreateAdapterMethod())) {
                shown.addMethod(method);
            }
        }
        return shown.addMethod(RegistryGrpc.getCreateAdapterMethod(),
                ServerCalls.asyncUnaryCall(this::create)).build();
    }

    private void create(CreateAdapterRequest request, StreamObserver<AdapterRecord> out) {
        AdapterRecord made;
        try {
            made = store.createAdapter(
                    AdapterCreation.complete(store, base, defaults, rankMax, request));
        } catch (IllegalArgumentException refused) {
            out.onError(badField(String.valueOf(refused.getMessage())));
            return;
        } catch (StatusRuntimeException refused) {
            out.onError(refused);
            return;
        }
        out.onNext(made);
        out.onCompleted();
    }

    /** As the store refuses a field; the message begins with its name. */
    private static StatusRuntimeException badField(String message) {
        String field = message.substring(0, Math.max(0, message.indexOf(' ')));
        return StatusProto.toStatusRuntimeException(Status.newBuilder()
                .setCode(Code.INVALID_ARGUMENT.getNumber())
                .setMessage(message)
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason("BAD_FIELD")
                        .setDomain("flywheel")
                        .build()))
                .addDetails(Any.pack(BadRequest.newBuilder()
                        .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                                .setField(field)
                                .setDescription(message))
                        .build()))
                .build());
    }
}
