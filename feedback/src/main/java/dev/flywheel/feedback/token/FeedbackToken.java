package dev.flywheel.feedback.token;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.VersionRef;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;

/**
 * What a feedback token says: which answer, to whom, made by which version, and until when feedback on it is taken.
 *
 * @param impressionId the answer
 * @param tenant tenant that was answered
 * @param adapter adapter that answered; empty for the bare base model
 * @param version number of the version that answered
 * @param digest digest of its weights, lower-case hex; empty for the bare base model
 * @param userHash hash of tenant and user pseudonym, see {@link #hashOf}
 * @param servedAt when it answered; whole milliseconds
 * @param expiresAt first instant at which feedback is no longer taken; whole milliseconds
 * @param nodeId the node that answered, whose word it takes that the answer's impression is still to be written; empty in tokens
 *     of older releases
 */
public record FeedbackToken(
        String impressionId,
        String tenant,
        String adapter,
        long version,
        String digest,
        String userHash,
        Instant servedAt,
        Instant expiresAt,
        String nodeId) {

    /** Returns what the token of an impression says. */
    public static FeedbackToken of(Impression impression, Duration lifetime) {
        VersionRef version = impression.getVersion();
        Instant servedAt = Instant.ofEpochMilli(impression.getServedAtMillis());
        return new FeedbackToken(
                impression.getImpressionId(),
                impression.getTenant(),
                version.getAdapter(),
                version.getNumber(),
                version.getDigest(),
                hashOf(impression.getTenant(), impression.getUser()),
                servedAt,
                servedAt.plus(lifetime),
                impression.getNodeId());
    }

    /** Returns the hash that binds a token to a user without naming them: 32 lower-case hex digits. */
    public static String hashOf(String tenant, String user) {
        MessageDigest sha256 = sha256();
        byte[] tenantBytes = tenant.getBytes(StandardCharsets.UTF_8);
        // The length first, so that no two pairs give the same bytes.
        sha256.update((byte) (tenantBytes.length >>> 8));
        sha256.update((byte) tenantBytes.length);
        sha256.update(tenantBytes);
        byte[] digest = sha256.digest(user.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest, 0, 16);
    }

    /** Whether the token was made for this impression: same answer, tenant, user, version and time. */
    public boolean fits(Impression impression) {
        return fitsVersionOf(impression)
                && tenant.equals(impression.getTenant())
                && userHash.equals(hashOf(impression.getTenant(), impression.getUser()));
    }

    /** Whether the token was made for an answer of this id, version and time, to whomever. */
    public boolean fitsVersionOf(Impression impression) {
        VersionRef made = impression.getVersion();
        return impressionId.equals(impression.getImpressionId())
                && adapter.equals(made.getAdapter())
                && version == made.getNumber()
                && digest.equals(made.getDigest())
                && servedAt.toEpochMilli() == impression.getServedAtMillis();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
