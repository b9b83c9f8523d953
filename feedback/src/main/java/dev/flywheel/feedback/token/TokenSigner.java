package dev.flywheel.feedback.token;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Issues and verifies feedback tokens: URL-safe base64 over a body that names its key, followed by the body's HMAC-SHA256.
 *
 * <p>Macs are compared in constant time. One token has one text: any other spelling of the same bytes is refused.
 * Thread-safe.
 */
public final class TokenSigner {
    private static final int FORMAT = 3;
    /** Had no node. */
    private static final int FORMAT_BEFORE = 2;
    private static final int MAC_BYTES = 32;
    private static final int TEXT_CHARS_MAX = 4096;
    private static final String ALGORITHM = "HmacSHA256";

    private final TokenKeys keys;
    /** By key id: one that has its key and nothing else yet; only copies of it compute. */
    private final Map<String, Mac> macs = new ConcurrentHashMap<>();

    public TokenSigner(TokenKeys keys) {
        this.keys = keys;
    }

    /** Returns the token's text. */
    public String sign(FeedbackToken token) {
        TokenKeys.Key key = keys.signing();
        byte[] body = body(token, key.id());
        byte[] signed = Arrays.copyOf(body, body.length + MAC_BYTES);
        System.arraycopy(mac(key, body), 0, signed, body.length, MAC_BYTES);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(signed);
    }

    /** Tells whether a text is a token of ours. */
    public TokenCheck verify(String text) {
        if (text.isEmpty()) {
            return new TokenCheck.Forged(
                    "feedback_token is empty; send the one that came with the answer");
        }
        if (text.length() > TEXT_CHARS_MAX) {
            return new TokenCheck.Forged("feedback_token has %d characters, at most %d are allowed"
                    .formatted(text.length(), TEXT_CHARS_MAX));
        }
        byte[] signed;
        try {
            signed = Base64.getUrlDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return new TokenCheck.Forged("feedback_token is not URL-safe base64");
        }
        if (!Base64.getUrlEncoder().withoutPadding().encodeToString(signed).equals(text)) {
            return new TokenCheck.Forged("feedback_token is not spelled as it was issued");
        }
        return verify(signed);
    }

    private TokenCheck verify(byte[] signed) {
        if (signed.length <= MAC_BYTES) {
            return new TokenCheck.Forged("feedback_token is too short to be one");
        }
        byte[] body = Arrays.copyOf(signed, signed.length - MAC_BYTES);
        byte[] mac = Arrays.copyOfRange(signed, body.length, signed.length);
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(body))) {
            int format = in.readUnsignedByte();
            if (format != FORMAT && format != FORMAT_BEFORE) {
                return new TokenCheck.Forged("feedback_token has format %d, known are %d and %d"
                        .formatted(format, FORMAT_BEFORE, FORMAT));
            }
            Optional<TokenKeys.Key> key = keys.find(in.readUTF());
            if (key.isEmpty()) {
                return new TokenCheck.Forged(
                        "feedback_token names a key that is not ours (any more)");
            }
            if (!MessageDigest.isEqual(mac, mac(key.get(), body))) {
                return new TokenCheck.Forged("feedback_token is not signed by us or was altered");
            }
            return new TokenCheck.Genuine(rest(in, format));
        } catch (IOException e) {
            return new TokenCheck.Forged("feedback_token is cut short");
        }
    }

    private static byte[] body(FeedbackToken token, String keyId) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(FORMAT);
            out.writeUTF(keyId);
            out.writeUTF(token.impressionId());
            out.writeUTF(token.tenant());
            out.writeUTF(token.adapter());
            out.writeLong(token.version());
            out.writeUTF(token.digest());
            out.writeUTF(token.userHash());
            out.writeLong(token.servedAt().toEpochMilli());
            out.writeLong(token.expiresAt().toEpochMilli());
            out.writeUTF(token.nodeId());
        } catch (IOException e) {
            throw new UncheckedIOException("a token field is longer than 65535 bytes", e);
        }
        return bytes.toByteArray();
    }

    private static FeedbackToken rest(DataInputStream in, int format) throws IOException {
        return new FeedbackToken(in.readUTF(), in.readUTF(), in.readUTF(), in.readLong(),
                in.readUTF(), in.readUTF(), Instant.ofEpochMilli(in.readLong()),
                Instant.ofEpochMilli(in.readLong()), format == FORMAT ? in.readUTF() : "");
    }

    private byte[] mac(TokenKeys.Key key, byte[] body) {
        try {
            return ((Mac) macs.computeIfAbsent(key.id(), id -> keyed(key)).clone()).doFinal(body);
        } catch (CloneNotSupportedException e) {
            return keyed(key).doFinal(body);
        }
    }

    private static Mac keyed(TokenKeys.Key key) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(key.secret(), ALGORITHM));
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has " + ALGORITHM, e);
        }
    }
}
