package dev.flywheel.itest.docs;

import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.SendFeedbackReply;
import dev.flywheel.api.v1.SendFeedbackRequest;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server with the public services that writes down what it is asked; closing stops it. */
final class RecordingNode implements AutoCloseable {
    static final String TOKEN = "token-of-the-answer";

    final List<RankRequest> ranked = new CopyOnWriteArrayList<>();
    final List<SendFeedbackRequest> told = new CopyOnWriteArrayList<>();
    private final Server server;

    RecordingNode() throws IOException {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new Inference())
                .addService(new Feedback())
                .build()
                .start();
    }

    String address() {
        return "localhost:" + server.getPort();
    }

    private final class Inference extends InferenceGrpc.InferenceImplBase {
        @Override
        public void rank(RankRequest request, StreamObserver<RankReply> replies) {
            ranked.add(request);
            replies.onNext(RankReply.newBuilder().setFeedbackToken(TOKEN).build());
            replies.onCompleted();
        }
    }

    private final class Feedback extends FeedbackGrpc.FeedbackImplBase {
        @Override
        public void send(SendFeedbackRequest request, StreamObserver<SendFeedbackReply> replies) {
            told.add(request);
            replies.onNext(SendFeedbackReply.getDefaultInstance());
            replies.onCompleted();
        }
    }

    @Override
    public void close() {
        server.shutdownNow();
    }
}
