package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.ExampleKind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Ids and choices that come out the same on every replay. Parts are length-prefixed, so that no two lists of parts collide. */
final class Hashes {
    private Hashes() {}

    /** Returns the id of an example: SHA-256 over impression, item, kind, label and label sequence. */
    static String exampleId(String impressionId, String item, ExampleKind kind, String label,
            int sequence) {
        return HexFormat.of()
                .formatHex(
                        sha256(impressionId, item, kind.name(), label, Integer.toString(sequence)));
    }

    /** Whether an item is in a sample of this rate. */
    static boolean kept(String impressionId, String item, double rate) {
        long hash = ByteBuffer.wrap(sha256("negative", impressionId, item)).getLong();
        double uniform = (hash >>> 11) * 0x1.0p-53;
        return uniform < rate;
    }

    private static byte[] sha256(String... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : parts) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
                digest.update(bytes);
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
