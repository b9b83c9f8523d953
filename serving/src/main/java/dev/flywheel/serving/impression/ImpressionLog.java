package dev.flywheel.serving.impression;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.serving.metrics.ServingMetrics;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Predicate;

/**
 * Records what was answered, and issues the token with which to report on it. What cannot be recorded gets
 * no token: feedback without an impression would teach nothing. Never blocks. Thread-safe.
 */
public final class ImpressionLog {
    private final String nodeId;
    private final ImpressionIds ids;
    private final Predicate<Impression> publisher;
    private final TokenSigner signer;
    private final Duration tokenLifetime;
    private final ServingMetrics metrics;
    private final InstantSource clock;

    /** @param publisher takes an impression or refuses it, at once */
    public ImpressionLog(String nodeId, ImpressionIds ids, Predicate<Impression> publisher,
            TokenSigner signer, Duration tokenLifetime, ServingMetrics metrics,
            InstantSource clock) {
        this.nodeId = nodeId;
        this.ids = ids;
        this.publisher = publisher;
        this.signer = signer;
        this.tokenLifetime = tokenLifetime;
        this.metrics = metrics;
        this.clock = clock;
    }

    /** Returns an id for an answer. */
    public String nextId() {
        return ids.next();
    }

    /** Records an answer made now and returns its feedback token, empty if it could not be recorded. */
    public String record(Impression.Builder answer) {
        Impression impression =
                answer.setNodeId(nodeId).setServedAtMillis(clock.millis()).build();
        boolean accepted = publisher.test(impression);
        metrics.impression(accepted);
        return accepted ? signer.sign(FeedbackToken.of(impression, tokenLifetime)) : "";
    }
}
