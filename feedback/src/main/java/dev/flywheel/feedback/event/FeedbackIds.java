package dev.flywheel.feedback.event;

import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Signal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Identities of feedback. */
public final class FeedbackIds {
    private FeedbackIds() {}

    /**
     * Returns the id of an event whose sender chose none: a hash of token and signal, 32 lower-case hex digits. The same
     * feedback sent again has the same id, so a retry is no second vote.
     */
    public static String fallback(String feedbackToken, Signal signal) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] token = feedbackToken.getBytes(StandardCharsets.UTF_8);
            sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(token.length).array());
            sha256.update(token);
            // Deterministic: a signal holds no map and no unknown field of ours.
            return HexFormat.of().formatHex(sha256.digest(signal.toByteArray()), 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Returns the event with an id, its own or the fallback. */
    public static FeedbackEvent identified(FeedbackEvent event) {
        return event.getFeedbackId().isEmpty()
                ? event.toBuilder()
                        .setFeedbackId(fallback(event.getFeedbackToken(), event.getSignal()))
                        .build()
                : event;
    }

    /** Returns the event's identity. */
    public static FeedbackKey keyOf(FeedbackEvent event) {
        return FeedbackKey.newBuilder()
                .setSource(event.getSource())
                .setFeedbackId(event.getFeedbackId())
                .build();
    }
}
