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

    /** Returns the id of an example: SHA-256 over impression, item, kind and label. */
    static String exampleId(String impressionId, String item, ExampleKind kind, String label) {
        return HexFormat.of().formatHex(sha256(impressionId, item, kind.name(), label));
    }

    /** Returns what tells two labels apart, of few characters where a label is a text. */
    static String brief(String label) {
        return label.length() <= 32 ? label : HexFormat.of().formatHex(sha256(label), 0, 16);
    }

    /** Whether an item is in a sample of this rate. */
    static boolean kept(String impressionId, String item, double rate) {
        if (rate >= 1) {
            return true;
        }
        long hash = ByteBuffer.wrap(sha256("negative", impressionId, item)).getLong();
        double uniform = (hash >>> 11) * 0x1.0p-53;
        return uniform < rate;
    }

    private static byte[] sha256(String... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : parts) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update((byte) (bytes.length >>> 24));
                digest.update((byte) (bytes.length >>> 16));
                digest.update((byte) (bytes.length >>> 8));
                digest.update((byte) bytes.length);
                digest.update(bytes);
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
