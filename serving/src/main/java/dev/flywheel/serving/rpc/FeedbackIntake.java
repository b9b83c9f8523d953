package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.SendFeedbackReply;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.event.EventSchema;
import dev.flywheel.feedback.event.FeedbackIds;
import dev.flywheel.feedback.kafka.EventTooLargeException;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenCheck;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.FeedbackResult;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * One piece of feedback: is the token ours, not expired and this user's, is the signal whole; then into Kafka.
 *
 * <p>Whether the signal suits the impression is judged later, where the two meet.
 */
final class FeedbackIntake {
    private static final Duration RETRY_AFTER = Duration.ofMillis(500);
    /** Feedback that comes through this service; producers that write to Kafka name themselves. */
    private static final String SOURCE = "client/";

    private final TokenSigner signer;
    private final Function<FeedbackEvent, CompletableFuture<Long>> publisher;
    private final InstantSource clock;
    private final int bytesMax;
    private final Consumer<FeedbackResult> refusals;

    /**
     * @param publisher completes with the time at which the event is safe
     * @param bytesMax longest event that is taken; the pipeline must take no shorter ones
     * @param refusals hears why an event was refused
     */
    FeedbackIntake(TokenSigner signer,
            Function<FeedbackEvent, CompletableFuture<Long>> publisher, InstantSource clock,
            int bytesMax, Consumer<FeedbackResult> refusals) {
        this.signer = signer;
        this.publisher = publisher;
        this.clock = clock;
        this.bytesMax = bytesMax;
        this.refusals = refusals;
    }

    /** Returns the acknowledgement to come; throws {@link ServingException} for what cannot be feedback. */
    CompletableFuture<SendFeedbackReply> take(SendFeedbackRequest request) {
        FeedbackToken token = genuine(request);
        FeedbackEvent event = told(FeedbackResult.MALFORMED, () -> event(request, token));
        SendFeedbackReply.Builder reply = SendFeedbackReply.newBuilder()
                .setFeedbackId(event.getFeedbackId())
                .setImpressionId(event.getImpressionId());
        return publisher.apply(event).handle((acknowledgedAt, failure) -> {
            if (failure != null) {
                throw notTaken(failure);
            }
            return reply.setAcknowledgedAtMillis(acknowledgedAt).build();
        });
    }

    private static ServingException notTaken(Throwable failure) {
        Throwable cause = failure instanceof CompletionException wrapped
                && wrapped.getCause() != null ? wrapped.getCause() : failure;
        return cause instanceof EventTooLargeException
                ? ServingException.named("signal",
                        "feedback event is larger than the topic takes; shorten it")
                : ServingException.later(ErrorCode.FEEDBACK_NOT_TAKEN,
                        "the feedback was not acknowledged; send it again with the same"
                                + " feedback_id",
                        RETRY_AFTER);
    }

    private FeedbackEvent event(SendFeedbackRequest request, FeedbackToken token) {
        if (request.getClientTimeMillis() < 0) {
            throw ServingException.field("client_time_millis", "is "
                    + request.getClientTimeMillis() + ", it must not be negative");
        }
        Signal signal = EventSchema.known(request.getSignal());
        EventSchema.problem(signal).ifPresent(problem -> {
            throw ServingException.named("signal", problem);
        });
        FeedbackEvent event = FeedbackIds.identified(FeedbackEvent.newBuilder()
                .setFeedbackId(request.getFeedbackId())
                .setSource(SOURCE + token.tenant())
                .setImpressionId(token.impressionId())
                .setTenant(token.tenant())
                .setUser(request.getUser())
                .setFeedbackToken(request.getFeedbackToken())
                .setSignal(signal)
                .setClientTimeMillis(request.getClientTimeMillis())
                .setReceivedAtMillis(clock.millis())
                .build());
        // As whoever reads the topic will judge it: what is acknowledged here is no dead letter for its form later.
        EventSchema.problem(event).ifPresent(problem -> {
            throw ServingException.named(problem.substring(0, problem.indexOf(' ')), problem);
        });
        EventSchema.tooLarge(event.getSerializedSize(), bytesMax).ifPresent(problem -> {
            throw ServingException.named("signal", problem);
        });
        return event;
    }

    private FeedbackToken genuine(SendFeedbackRequest request) {
        FeedbackToken token = told(FeedbackResult.FORGED, () -> verified(request));
        told(FeedbackResult.DENIED, () -> {
            RequestRules.requireReach(token.tenant());
            return token;
        });
        told(FeedbackResult.EXPIRED, () -> {
            if (!clock.instant().isBefore(token.expiresAt())) {
                throw ServingException.field("feedback_token", "expired at " + token.expiresAt());
            }
            return token;
        });
        return told(FeedbackResult.FORGED, () -> ofItsUser(request, token));
    }

    /** Does one check; what it refuses is told by its name. */
    private <T> T told(FeedbackResult refusal, Supplier<T> check) {
        boolean passed = false;
        try {
            T checked = check.get();
            passed = true;
            return checked;
        } finally {
            if (!passed) {
                refusals.accept(refusal);
            }
        }
    }

    private FeedbackToken verified(SendFeedbackRequest request) {
        return switch (signer.verify(request.getFeedbackToken())) {
            case TokenCheck.Forged forged ->
                throw ServingException.named("feedback_token", forged.why());
            case TokenCheck.Genuine genuine -> genuine.token();
        };
    }

    private static FeedbackToken ofItsUser(SendFeedbackRequest request, FeedbackToken token) {
        if (!FeedbackToken.hashOf(token.tenant(), request.getUser()).equals(token.userHash())) {
            throw ServingException.field("user",
                    "is not the user that was answered; send the pseudonym of the request");
        }
        return token;
    }
}
