package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.SendFeedbackReply;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.FeedbackResult;
import dev.flywheel.serving.metrics.ServingMetrics;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes feedback and acknowledges it once Kafka has it. No thread waits for Kafka. */
final class FeedbackService extends FeedbackGrpc.FeedbackImplBase {
    private static final Logger log = LoggerFactory.getLogger(FeedbackService.class);

    private final FeedbackIntake intake;
    private final ServingMetrics metrics;

    FeedbackService(FeedbackIntake intake, ServingMetrics metrics) {
        this.intake = intake;
        this.metrics = metrics;
    }

    @Override
    public void send(SendFeedbackRequest request, StreamObserver<SendFeedbackReply> out) {
        try {
            var unused = intake.take(request).whenComplete((reply, failure) -> {
                if (failure == null) {
                    metrics.feedback(FeedbackResult.ACCEPTED);
                    out.onNext(reply);
                    out.onCompleted();
                } else {
                    metrics.feedback(FeedbackResult.NOT_TAKEN);
                    out.onError(ErrorTable.toStatus(reason(failure)));
                }
            });
        } catch (ServingException refused) {
            out.onError(ErrorTable.toStatus(refused));
        }
    }

    @Override
    public StreamObserver<SendFeedbackRequest> sendStream(StreamObserver<SendFeedbackReply> out) {
        return new FeedbackStream(intake, metrics,
                (ServerCallStreamObserver<SendFeedbackReply>) out);
    }

    static ServingException reason(Throwable failure) {
        Throwable cause = failure instanceof CompletionException wrapped
                && wrapped.getCause() != null ? wrapped.getCause() : failure;
        if (cause instanceof ServingException why) {
            return why;
        }
        log.error("feedback failed by a fault of this node", cause);
        return ServingException.of(ErrorCode.INTERNAL,
                "the feedback failed by a fault of this node");
    }
}
