package dev.flywheel.app.demo;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SendFeedbackReply;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * An outside gRPC client of a node: asks and sends feedback, and counts what came of it.
 *
 * <p>A failed call is counted and gives an empty answer; the demo goes on and fails at its end. Thread-safe.
 */
final class NodeClient {
    private static final long DEADLINE_SECONDS = 30;

    private final InferenceGrpc.InferenceBlockingStub inference;
    private final FeedbackGrpc.FeedbackBlockingStub feedback;
    private final Answers answers;

    NodeClient(Channel channel, Answers answers) {
        this.inference = InferenceGrpc.newBlockingStub(channel);
        this.feedback = FeedbackGrpc.newBlockingStub(channel);
        this.answers = answers;
    }

    /** A whole generated answer. */
    record Generated(String text, VersionRef version, String impressionId, String feedbackToken) {}

    Optional<RankReply> rank(
            String adapter, String user, String context, List<Candidate> candidates, int slate) {
        RankRequest request =
                RankRequest.newBuilder()
                        .setScope(scope(adapter, user))
                        .setContext(context)
                        .addAllCandidates(candidates)
                        .setSlateSize(slate)
                        .build();
        try {
            RankReply reply =
                    inference.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS).rank(request);
            answers.answered(reply.getVersion());
            token(adapter, reply.getFeedbackToken());
            return Optional.of(reply);
        } catch (StatusRuntimeException e) {
            answers.failed();
            return Optional.empty();
        }
    }

    Optional<Generated> generate(String adapter, String user, String prompt, int maxTokens) {
        GenerateRequest request =
                GenerateRequest.newBuilder()
                        .setScope(scope(adapter, user))
                        .setPrompt(prompt)
                        .setMaxTokens(maxTokens)
                        .addStop("\n")
                        .build();
        try {
            Generated generated =
                    collect(inference.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                            .generate(request));
            token(adapter, generated.feedbackToken());
            return Optional.of(generated);
        } catch (StatusRuntimeException e) {
            answers.failed();
            return Optional.empty();
        }
    }

    private Generated collect(Iterator<GenerateReply> replies) {
        StringBuilder text = new StringBuilder();
        GenerateReply last = GenerateReply.getDefaultInstance();
        boolean mixed = false;
        boolean first = true;
        while (replies.hasNext()) {
            GenerateReply reply = replies.next();
            mixed |= !first && !reply.getVersion().equals(last.getVersion());
            text.append(reply.getText());
            last = reply;
            first = false;
        }
        if (last.getFinishReason() == FinishReason.FINISH_REASON_UNSPECIFIED) {
            throw Status.DATA_LOSS.withDescription("the answer ended without a finish reason")
                    .asRuntimeException();
        }
        if (mixed) {
            answers.mixed();
        } else {
            answers.answered(last.getVersion());
        }
        return new Generated(
                text.toString().trim(), last.getVersion(), last.getImpressionId(),
                last.getFeedbackToken());
    }

    Optional<SendFeedbackReply> send(String token, String feedbackId, String user, Signal signal) {
        SendFeedbackRequest request =
                SendFeedbackRequest.newBuilder()
                        .setFeedbackToken(token)
                        .setFeedbackId(feedbackId)
                        .setUser(user)
                        .setSignal(signal)
                        .build();
        try {
            SendFeedbackReply reply =
                    feedback.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS).send(request);
            answers.acknowledged();
            return Optional.of(reply);
        } catch (StatusRuntimeException e) {
            answers.failed();
            return Optional.empty();
        }
    }

    /** The bare base learns nothing and may answer without a token; an adapter must not. */
    private void token(String adapter, String token) {
        if (!token.isEmpty()) {
            answers.impression();
        } else if (!adapter.isEmpty()) {
            answers.withoutToken();
        }
    }

    private static RequestScope scope(String adapter, String user) {
        return RequestScope.newBuilder()
                .setAdapter(adapter)
                .setUser(user)
                .setConsent(Consent.CONSENT_TRAIN)
                .build();
    }
}
