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
import dev.flywheel.api.v1.Retract;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An outside gRPC client of a node that may be away. Thread-safe. */
final class OutsideClient {
    private static final long DEADLINE_SECONDS = 5;
    private static final long ANSWER_SECONDS = 20;
    private static final int SHORT_TOKENS = 32;
    /** So many that versions come and go while an answer is made. */
    private static final int LONG_TOKENS = 480;
    private static final int CHOICES = 3;
    private static final List<String> TEXTS = List.of("The boat at the pier",
            "A planet seen at night", "Bread from the oven", "A goal in the last minute",
            "The price of copper", "A garden after rain");

    /** How many questions there are. */
    static final int QUESTIONS = TEXTS.size();
    /** The question for a short answer, and the one for a long one. */
    static final int SHORT_ANSWER = QUESTIONS;
    static final int LONG_ANSWER = QUESTIONS + 1;

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

    private RequestScope scope(String user, long version) {
        return RequestScope.newBuilder()
                .setAdapter(adapter)
                .setUser(user)
                .setVersionNumber(version)
                .build();
    }

    /**
     * Asks for an order of three texts.
     *
     * @param question which three
     * @param version number of the version that is to answer; 0 for the one that serves
     */
    RankReply rank(String user, int question, long version) {
        RankRequest.Builder request =
                RankRequest.newBuilder()
                        .setScope(scope(user, version))
                        .setContext("lives in the harbour")
                        .setSlateSize(CHOICES);
        for (int i = 0; i < CHOICES; i++) {
            int text = (question + i) % TEXTS.size();
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

    /** What a user of a slate says: the item at a place of it. */
    FeedbackEvent click(RankReply reply, int place, String user, String id) {
        return event(reply.getImpressionId(), reply.getFeedbackToken(), user, id)
                .setSignal(Signal.newBuilder()
                        .setClick(Click.newBuilder()
                                .setCandidateId(reply.getItems(place).getCandidateId())))
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

    /**
     * A whole answer.
     *
     * @param question {@link #SHORT_ANSWER} or {@link #LONG_ANSWER}
     * @param last the reply that ended it
     * @param versions what its replies say made it, in their order
     */
    record Generated(
            int question,
            GenerateReply last,
            List<Integer> tokens,
            List<VersionRef> versions) {}

    /** Asks for an answer of words; {@code version} as for {@link #rank}. */
    Generated generate(String user, int question, long version) {
        Iterator<GenerateReply> replies = InferenceGrpc.newBlockingStub(ready())
                .withDeadlineAfter(ANSWER_SECONDS, TimeUnit.SECONDS)
                .generate(GenerateRequest.newBuilder()
                        .setScope(scope(user, version))
                        .setPrompt("The sea is")
                        .setMaxTokens(question == LONG_ANSWER ? LONG_TOKENS : SHORT_TOKENS)
                        .build());
        GenerateReply last = GenerateReply.getDefaultInstance();
        List<Integer> tokens = new ArrayList<>();
        List<VersionRef> versions = new ArrayList<>();
        while (replies.hasNext()) {
            last = replies.next();
            tokens.addAll(last.getTokenIdsList());
            versions.add(last.getVersion());
        }
        return new Generated(question, last, tokens, versions);
    }

    /** Says what an answer should have been. */
    static FeedbackEvent correction(GenerateReply last, String user, String id) {
        return event(last.getImpressionId(), last.getFeedbackToken(), user, id)
                .setSignal(Signal.newBuilder()
                        .setCorrection(Correction.newBuilder().setText(" cold today")))
                .build();
    }

    /** Takes back what was said. */
    static FeedbackEvent retract(FeedbackEvent said, String id) {
        return said.toBuilder()
                .setFeedbackId(id)
                .setSignal(Signal.newBuilder()
                        .setRetract(Retract.newBuilder().setFeedbackId(said.getFeedbackId())))
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
