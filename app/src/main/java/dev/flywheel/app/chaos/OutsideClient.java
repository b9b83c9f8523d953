package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** An outside gRPC client of a node that may be away. Thread-safe. */
final class OutsideClient {
    private static final long DEADLINE_SECONDS = 5;
    private static final int ANSWER_TOKENS = 8;
    private static final List<String> TEXTS = List.of("The boat at the pier",
            "A planet seen at night", "Bread from the oven", "A goal in the last minute",
            "The price of copper", "A garden after rain");

    private final ManagedChannel channel;
    private final String adapter;

    OutsideClient(ManagedChannel channel, String adapter) {
        this.channel = channel;
        this.adapter = adapter;
    }

    /** Whether a call that failed so may succeed later. */
    static boolean passing(StatusRuntimeException failure) {
        Status.Code code = failure.getStatus().getCode();
        return code == Status.Code.UNAVAILABLE || code == Status.Code.DEADLINE_EXCEEDED
                || code == Status.Code.RESOURCE_EXHAUSTED || code == Status.Code.CANCELLED
                || code == Status.Code.ABORTED;
    }

    private RequestScope scope(String user) {
        return RequestScope.newBuilder().setAdapter(adapter).setUser(user).build();
    }

    RankReply rank(String user, SplittableRandom random) {
        RankRequest.Builder request =
                RankRequest.newBuilder()
                        .setScope(scope(user))
                        .setContext("lives in the harbour")
                        .setSlateSize(2);
        int first = random.nextInt(TEXTS.size());
        for (int i = 0; i < 3; i++) {
            int text = (first + i) % TEXTS.size();
            request.addCandidates(
                    Candidate.newBuilder().setId("i" + text).setText(TEXTS.get(text)));
        }
        return InferenceGrpc.newBlockingStub(ready())
                .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .rank(request.build());
    }

    /** The channel's own pause grows to two minutes after a node was away. */
    private ManagedChannel ready() {
        channel.resetConnectBackoff();
        return channel;
    }

    /** What a user of a slate says: the first item it shows. */
    FeedbackEvent click(RankReply reply, String user, String id) {
        return event(reply.getImpressionId(), reply.getFeedbackToken(), user, id)
                .setSignal(Signal.newBuilder()
                        .setClick(Click.newBuilder()
                                .setCandidateId(reply.getItems(0).getCandidateId())))
                .build();
    }

    private static FeedbackEvent.Builder event(String impression, String token, String user,
            String id) {
        return FeedbackEvent.newBuilder()
                .setFeedbackId(id)
                .setImpressionId(impression)
                .setTenant("default")
                .setUser(user)
                .setFeedbackToken(token);
    }

    /** Asks for an answer, and says what it should have been. */
    FeedbackEvent correction(String user, String id) {
        Iterator<GenerateReply> replies = InferenceGrpc.newBlockingStub(ready())
                .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .generate(GenerateRequest.newBuilder()
                        .setScope(scope(user))
                        .setPrompt("The sea is")
                        .setMaxTokens(ANSWER_TOKENS)
                        .build());
        GenerateReply last = GenerateReply.getDefaultInstance();
        while (replies.hasNext()) {
            last = replies.next();
        }
        return event(last.getImpressionId(), last.getFeedbackToken(), user, id)
                .setSignal(Signal.newBuilder()
                        .setCorrection(Correction.newBuilder().setText(" cold today")))
                .build();
    }

    /** Returns when the node has acknowledged it. */
    void send(FeedbackEvent event) {
        var unused = FeedbackGrpc.newBlockingStub(ready())
                .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .send(SendFeedbackRequest.newBuilder()
                        .setFeedbackToken(event.getFeedbackToken())
                        .setFeedbackId(event.getFeedbackId())
                        .setUser(event.getUser())
                        .setSignal(event.getSignal())
                        .build());
    }
}
