package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.SendFeedbackReply;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.FeedbackResult;
import dev.flywheel.serving.metrics.ServingMetrics;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;

/**
 * A stream of feedback: at most {@value #WINDOW} events are between the client and Kafka at once, and replies go
 * out in the order of the requests, no faster than they are read.
 *
 * <p>A refused event is answered and the stream goes on; an event that Kafka did not take ends the stream, so
 * that the client knows which ones to repeat. Thread-safe.
 */
final class FeedbackStream implements StreamObserver<SendFeedbackRequest> {
    private static final int WINDOW = 64;

    private final FeedbackIntake intake;
    private final ServingMetrics metrics;
    private final ServerCallStreamObserver<SendFeedbackReply> out;

    // Guarded by this.
    private final ArrayDeque<CompletableFuture<SendFeedbackReply>> pending = new ArrayDeque<>();
    private boolean clientDone;
    private boolean over;

    FeedbackStream(FeedbackIntake intake, ServingMetrics metrics,
            ServerCallStreamObserver<SendFeedbackReply> out) {
        this.intake = intake;
        this.metrics = metrics;
        this.out = out;
        out.disableAutoRequest();
        out.setOnReadyHandler(this::drain);
        out.setOnCancelHandler(this::cancelled);
        out.request(WINDOW);
    }

    @Override
    public void onNext(SendFeedbackRequest request) {
        CompletableFuture<SendFeedbackReply> reply = take(request);
        synchronized (this) {
            pending.add(reply);
        }
        var unused = reply.whenComplete((acknowledged, failure) -> drain());
    }

    private CompletableFuture<SendFeedbackReply> take(SendFeedbackRequest request) {
        try {
            return intake.take(request);
        } catch (ServingException refused) {
            return CompletableFuture.completedFuture(SendFeedbackReply.newBuilder()
                    .setFeedbackId(request.getFeedbackId())
                    .setRefused(String.valueOf(refused.getMessage()))
                    .build());
        }
    }

    @Override
    public synchronized void onError(Throwable gone) {
        over = true;
        pending.clear();
    }

    @Override
    public void onCompleted() {
        synchronized (this) {
            clientDone = true;
        }
        drain();
    }

    private synchronized void cancelled() {
        over = true;
        pending.clear();
    }

    private synchronized void drain() {
        while (!over && out.isReady()) {
            CompletableFuture<SendFeedbackReply> first = pending.peek();
            if (first == null) {
                if (clientDone) {
                    over = true;
                    out.onCompleted();
                }
                return;
            }
            if (!first.isDone()) {
                return;
            }
            pending.remove();
            answer(first);
        }
    }

    private void answer(CompletableFuture<SendFeedbackReply> reply) {
        if (reply.isCompletedExceptionally()) {
            metrics.feedback(FeedbackResult.NOT_TAKEN);
            over = true;
            pending.clear();
            out.onError(ErrorTable.toStatus(FeedbackService.reason(reply.exceptionNow())));
            return;
        }
        SendFeedbackReply acknowledged = reply.join();
        if (acknowledged.getRefused().isEmpty()) {
            metrics.feedback(FeedbackResult.ACCEPTED);
        }
        out.onNext(acknowledged);
        out.request(1);
    }
}
