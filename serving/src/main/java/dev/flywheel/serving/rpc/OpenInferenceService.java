package dev.flywheel.serving.rpc;

import dev.flywheel.api.openinference.GRPCInferenceServiceGrpc;
import dev.flywheel.api.openinference.ModelInferRequest;
import dev.flywheel.api.openinference.ModelInferResponse;
import dev.flywheel.api.openinference.ModelMetadataRequest;
import dev.flywheel.api.openinference.ModelMetadataResponse;
import dev.flywheel.api.openinference.ModelReadyRequest;
import dev.flywheel.api.openinference.ModelReadyResponse;
import dev.flywheel.api.openinference.ServerLiveRequest;
import dev.flywheel.api.openinference.ServerLiveResponse;
import dev.flywheel.api.openinference.ServerMetadataRequest;
import dev.flywheel.api.openinference.ServerMetadataResponse;
import dev.flywheel.api.openinference.ServerReadyRequest;
import dev.flywheel.api.openinference.ServerReadyResponse;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.serving.adapter.ServedVersions;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What gateways ask of a server that speaks the Open Inference Protocol, version 2. Never waits for a version to be loaded. */
final class OpenInferenceService extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    private static final String NAME = "flywheel";
    private static final String TENANT = "default";
    private static final String SERVING = "serving";

    private final ServedVersions versions;
    private final BooleanSupplier ready;

    /** @param ready whether requests are answered now */
    OpenInferenceService(ServedVersions versions, BooleanSupplier ready) {
        this.versions = versions;
        this.ready = ready;
    }

    @Override
    public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> out) {
        answer(out, () -> ServerLiveResponse.newBuilder().setLive(true).build());
    }

    @Override
    public void serverReady(ServerReadyRequest request, StreamObserver<ServerReadyResponse> out) {
        answer(out, () -> ServerReadyResponse.newBuilder().setReady(ready.getAsBoolean()).build());
    }

    @Override
    public void serverMetadata(ServerMetadataRequest request,
            StreamObserver<ServerMetadataResponse> out) {
        answer(out, () -> ServerMetadataResponse.newBuilder()
                .setName(NAME)
                .setVersion(Objects.requireNonNullElse(
                        getClass().getPackage().getImplementationVersion(), "development"))
                .addExtensions(InferenceGrpc.SERVICE_NAME)
                .build());
    }

    @Override
    public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> out) {
        answer(out, () -> ModelReadyResponse.newBuilder()
                .setReady(ready.getAsBoolean() && inMemory(request))
                .build());
    }

    private boolean inMemory(ModelReadyRequest request) {
        RequestRules.requireReach(TENANT);
        String name = request.getName();
        if (request.getVersion().isEmpty()) {
            return name.isEmpty() || versions.inMemory(TENANT, name, SERVING);
        }
        return !name.isEmpty()
                && versions.inMemory(TENANT, name).contains(number(request.getVersion()));
    }

    @Override
    public void modelMetadata(ModelMetadataRequest request,
            StreamObserver<ModelMetadataResponse> out) {
        answer(out, () -> ModelMetadataResponse.newBuilder()
                .setName(request.getName())
                .addAllVersions(numbers(request).stream().map(String::valueOf).toList())
                .setPlatform(NAME)
                .build());
    }

    private List<Long> numbers(ModelMetadataRequest request) {
        RequestRules.requireReach(TENANT);
        List<Long> all = request.getName().isEmpty() ? List.of()
                : versions.inMemory(TENANT, request.getName());
        if (request.getVersion().isEmpty()) {
            return all;
        }
        long number = number(request.getVersion());
        if (!all.contains(number)) {
            throw ServingException.resource(ErrorCode.ADAPTER_NOT_FOUND, request.getName(),
                    "version " + number + " of " + request.getName() + " is not in memory");
        }
        return List.of(number);
    }

    private static long number(String version) {
        try {
            long number = Long.parseLong(version);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // said below
        }
        throw ServingException.field("version",
                "must be a version number, from 0, or empty, was '" + version + "'");
    }

    @Override
    public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> out) {
        out.onError(ErrorTable.toStatus(ServingException.of(ErrorCode.NOT_OFFERED,
                "tensors are not taken; call " + InferenceGrpc.SERVICE_NAME + " instead")));
    }

    private static <T> void answer(StreamObserver<T> out, Supplier<T> reply) {
        try {
            out.onNext(reply.get());
            out.onCompleted();
        } catch (ServingException refused) {
            out.onError(ErrorTable.toStatus(refused));
        }
    }
}
