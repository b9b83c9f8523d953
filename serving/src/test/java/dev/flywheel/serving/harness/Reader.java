package dev.flywheel.serving.harness;

import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A client of Generate who reads as fast as it is told to. */
public final class Reader implements ClientResponseObserver<GenerateRequest, GenerateReply> {
    private final List<GenerateReply> replies = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Status> end = new CompletableFuture<>();
    private final boolean eager;
    private volatile @Nullable StatusRuntimeException failure;
    private @Nullable ClientCallStreamObserver<GenerateRequest> call;

    private Reader(boolean eager) {
        this.eager = eager;
    }

    /** Reads everything at once. */
    public static Reader all(Channel channel, GenerateRequest request) {
        return begin(channel, request, new Reader(true));
    }

    /** Reads one reply and then nothing, until {@link #readOn}. */
    public static Reader one(Channel channel, GenerateRequest request) {
        return begin(channel, request, new Reader(false));
    }

    private static Reader begin(Channel channel, GenerateRequest request, Reader reader) {
        InferenceGrpc.newStub(channel).generate(request, reader);
        return reader;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<GenerateRequest> started) {
        call = started;
        if (!eager) {
            started.disableAutoRequestWithInitial(1);
        }
    }

    @Override
    public void onNext(GenerateReply reply) {
        replies.add(reply);
    }

    @Override
    public void onError(Throwable broken) {
        failure = (StatusRuntimeException) broken;
        end.complete(Status.fromThrowable(broken));
    }

    @Override
    public void onCompleted() {
        end.complete(Status.OK);
    }

    public void readOn() {
        call.request(Integer.MAX_VALUE);
    }

    public void cancel() {
        call.cancel("the reader left", null);
    }

    public int replies() {
        return replies.size();
    }

    public boolean done() {
        return end.isDone();
    }

    public List<Integer> ids() {
        return replies.stream().flatMap(reply -> reply.getTokenIdsList().stream()).toList();
    }

    /** Waits for the end. */
    public Status status() {
        try {
            return end.get(60, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("the stream never ended", e);
        }
    }

    public @Nullable StatusRuntimeException failure() {
        return failure;
    }
}
