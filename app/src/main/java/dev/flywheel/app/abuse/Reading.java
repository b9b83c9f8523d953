package dev.flywheel.app.abuse;

import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SamplingParams;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A client of Generate who leaves after some tokens, or reads one reply and then no more. */
final class Reading implements ClientResponseObserver<GenerateRequest, GenerateReply> {
    private static final float HOT = 100;

    private final CompletableFuture<Status> end = new CompletableFuture<>();
    private final int leavesAfter;
    private final boolean stalls;
    private volatile int tokens;
    private volatile int replies;
    private @Nullable ClientCallStreamObserver<GenerateRequest> call;

    private Reading(int leavesAfter, boolean stalls) {
        this.leavesAfter = leavesAfter;
        this.stalls = stalls;
    }

    /** Cancels once so many tokens have come; 0: as soon as it has asked. */
    static Reading leaving(Channel channel, GenerateRequest request, int tokens) {
        Reading reading = new Reading(tokens, false);
        InferenceGrpc.newStub(channel).generate(request, reading);
        if (tokens == 0) {
            reading.cancel();
        }
        return reading;
    }

    /** Reads one reply and then none. */
    static Reading stalling(Channel channel, GenerateRequest request) {
        Reading reading = new Reading(Integer.MAX_VALUE, true);
        InferenceGrpc.newStub(channel).generate(request, reading);
        return reading;
    }

    /** A long answer: so hot that all tokens are as likely, and the end of text comes late. */
    static GenerateRequest endless(String adapter, int tokens) {
        return GenerateRequest.newBuilder()
                .setScope(RequestScope.newBuilder().setAdapter(adapter))
                .setPrompt("on and on")
                .setMaxTokens(tokens)
                .setSampling(SamplingParams.newBuilder().setTemperature(HOT).setSeed(1))
                .build();
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<GenerateRequest> started) {
        call = started;
        if (stalls) {
            started.disableAutoRequestWithInitial(1);
        }
    }

    @Override
    public void onNext(GenerateReply reply) {
        replies++;
        tokens += reply.getTokenIdsCount();
        if (tokens >= leavesAfter) {
            cancel();
        }
    }

    @Override
    public void onError(Throwable broken) {
        end.complete(Status.fromThrowable(broken));
    }

    @Override
    public void onCompleted() {
        end.complete(Status.OK);
    }

    private void cancel() {
        call().cancel("the reader left", null);
    }

    void readOn() {
        call().request(Integer.MAX_VALUE);
    }

    private ClientCallStreamObserver<GenerateRequest> call() {
        ClientCallStreamObserver<GenerateRequest> begun = call;
        if (begun == null) {
            throw new IllegalStateException("the call has not begun");
        }
        return begun;
    }

    boolean began() {
        return replies > 0;
    }

    CompletableFuture<Status> end() {
        return end;
    }
}
