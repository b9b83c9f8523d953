package dev.flywheel.itest.docs;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;

/** README's first call from Java, as code; {@code ReadmeTest} keeps the two alike. */
final class FirstCall {
    private FirstCall() {}

    /** Does what README shows, against a node at {@code address}. */
    static void run(String address) {
        // @formatter:off
        // README begins
        ManagedChannel channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
        RankReply reply = InferenceGrpc.newBlockingStub(channel).rank(RankRequest.newBuilder()
                .setScope(RequestScope.newBuilder().setAdapter("default/main").setUser("u-17"))
                .setContext("likes boats")
                .addCandidates(Candidate.newBuilder().setId("a").setText("a new stadium"))
                .addCandidates(Candidate.newBuilder().setId("b").setText("the harbour opens again")).build());
        FeedbackGrpc.newBlockingStub(channel).send(SendFeedbackRequest.newBuilder()
                .setFeedbackToken(reply.getFeedbackToken()).setUser("u-17")
                .setSignal(Signal.newBuilder().setClick(Click.newBuilder().setCandidateId("b"))).build());
        channel.shutdown();
        // README ends
        // @formatter:on
    }
}
