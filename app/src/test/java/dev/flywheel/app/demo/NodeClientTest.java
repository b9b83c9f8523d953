package dev.flywheel.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NodeClientTest {
    private final Answers answers = new Answers();
    private Server server;
    private ManagedChannel channel;
    private NodeClient client;

    @BeforeEach
    void start() throws IOException {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new Node())
                .build()
                .start();
        channel = Grpc.newChannelBuilder(
                "127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create())
                .build();
        client = new NodeClient(channel, answers);
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
    }

    @Test
    void anAnswerIsAnImpressionIfItCarriesAFeedbackToken() {
        ask("a/adapter", "recorded");
        ask("", "recorded");
        ask("", "dropped");
        ask("a/adapter", "dropped");

        assertThat(answers.answeredCount()).isEqualTo(4);
        assertThat(answers.impressionCount()).isEqualTo(2);
        assertThat(answers.withoutTokenCount()).isEqualTo(1);
    }

    private void ask(String adapter, String context) {
        client.rank(adapter, "reader", context, List.of(), 1);
    }

    /** A node that could record the impression only if the context says so. */
    private static final class Node extends InferenceGrpc.InferenceImplBase {
        @Override
        public void rank(RankRequest request, StreamObserver<RankReply> replies) {
            String token = request.getContext().equals("recorded") ? "token" : "";
            replies.onNext(RankReply.newBuilder().setFeedbackToken(token).build());
            replies.onCompleted();
        }
    }
}
